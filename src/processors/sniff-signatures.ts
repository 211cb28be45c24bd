// biome-ignore-all lint/suspicious/noControlCharactersInRegex: signatures of binary formats are made of them

/** Formats told by bytes at fixed places; those file-type knows too are here because a decoder is chosen by them. */
const signatures: readonly (readonly [pattern: RegExp, type: string])[] = [
  [/^\xff\xd8\xff/, 'image/jpeg'],
  [/^\x89PNG\r\n\x1a\n/, 'image/png'],
  [/^GIF8[79]a/, 'image/gif'],
  [/^RIFF.{4}WEBP/s, 'image/webp'],
  [/^(RIFF|RIFX|RF64).{4}WAVE/s, 'audio/wav'],
  [/^BM.{12}[\x0c\x10\x28\x34\x38\x40\x6c\x7c]\0\0\0/s, 'image/bmp'],
  [/^v\/1\x01/, 'image/x-exr'],
  [/^#\?(RADIANCE|RGBE)\n/, 'image/vnd.radiance'],
  [/^qoif/, 'image/x-qoi'],
  [/^farbfeld/, 'image/x-farbfeld'],
  [/^P[1-6](\s|#[^\n]*\n)+\d+\s+\d+\s/, 'image/x-portable-anymap'],
  [/^P7\s+WIDTH/, 'image/x-portable-anymap'],
  [/^P[Ff]\n\d+ \d+\n/, 'image/x-portable-anymap'],
  [/^caff\0\x01/, 'audio/x-caf'],
  [/^\.snd\0\0/, 'audio/basic'],
  [/^DKIF\0\0/, 'video/x-ivf'],
];

export function binaryType(head: Buffer): string | undefined {
  const start = head.subarray(0, 256).toString('latin1');
  return signatures.find(([pattern]) => pattern.test(start))?.[1];
}

/**
 * Ogg says what it holds in its first pages, one per stream, all marked "beginning of stream". One picture stream makes
 * it video.
 */
export function oggType(head: Buffer): string | undefined {
  if (head.subarray(0, 4).toString('latin1') !== 'OggS') return undefined;
  const streams = firstPackets(head);
  if (streams.some((packet) => /^(\x80theora|BBCD\0|OVP80|\x01video\0)/.test(packet))) return 'video/ogg';
  if (streams.some((packet) => /^(OpusHead|\x01vorbis|\x7fFLAC|fLaC|Speex {3})/.test(packet))) return 'audio/ogg';
  return 'application/ogg';
}

function firstPackets(head: Buffer): readonly string[] {
  const packets: string[] = [];
  for (let at = 0; at + 27 < head.length && head.toString('latin1', at, at + 4) === 'OggS'; ) {
    const beginsStream = ((head[at + 5] ?? 0) & 2) !== 0;
    if (!beginsStream) break;
    const segments = head[at + 26] ?? 0;
    const body = at + 27 + segments;
    packets.push(head.toString('latin1', body, body + 16));
    at = body + head.subarray(at + 27, body).reduce((sum, length) => sum + length, 0);
  }
  return packets;
}

/** Packets of 188 bytes (192 on discs, 204 with error correction), each beginning with 0x47; the first may be cut off. */
export function isMpegTs(head: Buffer): boolean {
  const wanted = 5;
  return [188, 192, 204].some((packet) => {
    for (let start = 0; start < packet; start++) {
      const hits = Array.from({ length: wanted }, (_, n) => head[start + n * packet]);
      if (hits.every((byte) => byte === 0x47)) return true;
    }
    return false;
  });
}

/**
 * For what nothing else recognised. TIFF comes here only when file-type could not read its tags, which is how it tells
 * camera raw files from pictures; MP3 may begin with silence; TGA has no signature at all.
 */
export function lastGuess(head: Buffer): string | undefined {
  const start = head.toString('latin1', 0, 4096);
  if (/^(II[*+]\0|MM\0[*+])/.test(start)) return 'image/tiff';
  if (/^\0+\xff[\xe2\xe3\xf2\xf3\xfa\xfb]/.test(start)) return 'audio/mpeg';
  return isTga(head) ? 'image/x-tga' : undefined;
}

/** Every field of the header is plausible: as sure as one can be. */
function isTga(head: Buffer): boolean {
  if (head.length < 18) return false;
  const colourMap = head.readUInt8(1);
  const kind = head.readUInt8(2);
  const mapBits = head.readUInt8(7);
  const plausible =
    (colourMap === 0 ? mapBits === 0 : colourMap === 1 && [15, 16, 24, 32].includes(mapBits)) &&
    (kind === 1 || kind === 9 ? colourMap === 1 : [2, 3, 10, 11].includes(kind));
  const sized = head.readUInt16LE(12) > 0 && head.readUInt16LE(14) > 0;
  return plausible && sized && [8, 15, 16, 24, 32].includes(head.readUInt8(16)) && (head.readUInt8(17) & 0xc0) === 0;
}
