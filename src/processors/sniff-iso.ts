/**
 * Files made of ISO base media boxes: HEIC, AVIF, MP4, MOV, M4A, 3GP and the pieces of a stream.
 *
 * The brands say which. The compatible brands matter, because an AVIF may call itself `mif1` first and an HEIC may too,
 * and only one of them can be decoded here. Without brands it is an old QuickTime film or a piece of a stream.
 */
export function isoMediaType(head: Buffer): string | undefined {
  const box = boxName(head, 0);
  if (box === 'ftyp') return typeOfBrands(brandsOf(head));
  if (box === 'styp' || box === 'sidx' || box === 'moof') return piece(head);
  return box && filmBoxes.includes(box) && boxNames(head).some((name) => name === 'moov' || name === 'mdat')
    ? 'video/quicktime'
    : undefined;
}

const filmBoxes = ['moov', 'mdat', 'wide', 'free', 'skip', 'pnot'];

/** A film index lying behind fragments makes them playable. */
function piece(head: Buffer): string {
  return boxNames(head).includes('moov') ? 'video/mp4' : 'video/iso.segment';
}

function typeOfBrands(brands: readonly string[]): string {
  const [major = ''] = brands;
  if (has(brands, ['avif', 'avis'])) return 'image/avif';
  if (has([major], stillBrands) || major === 'mif1' || major === 'msf1') {
    return has(brands, stillBrands) ? 'image/heic' : 'image/heif';
  }
  return (
    byMajor[major] ?? (major.startsWith('3g2') ? 'video/3gpp2' : major.startsWith('3g') ? 'video/3gpp' : 'video/mp4')
  );
}

/** Still pictures coded as HEVC. */
const stillBrands = ['heic', 'heix', 'heim', 'heis', 'hevc', 'hevx', 'hevm', 'hevs'];

const byMajor: Readonly<Record<string, string>> = {
  'qt  ': 'video/quicktime',
  'M4A ': 'audio/mp4',
  'M4B ': 'audio/mp4',
  'F4A ': 'audio/mp4',
  'F4B ': 'audio/mp4',
  'crx ': 'image/x-canon-cr3',
};

function has(brands: readonly string[], wanted: readonly string[]): boolean {
  return brands.some((brand) => wanted.includes(brand));
}

/** The major brand, then the compatible ones. */
function brandsOf(head: Buffer): readonly string[] {
  const end = Math.min(head.readUInt32BE(0), head.length, 512);
  const offsets = [8, ...Array.from({ length: Math.max(0, (end - 16) >> 2) }, (_, n) => 16 + n * 4)];
  return offsets.map((at) => head.toString('latin1', at, at + 4));
}

function boxName(head: Buffer, at: number): string | undefined {
  if (at + 8 > head.length) return undefined;
  const name = head.toString('latin1', at + 4, at + 8);
  return /^[\w ]{4}$/.test(name) ? name : undefined;
}

/** Names of the boxes that begin inside the window; at most 64, so that boxes of no size cannot hold us. */
function boxNames(head: Buffer): readonly string[] {
  const names: string[] = [];
  for (let at = 0; names.length < 64; ) {
    const name = boxName(head, at);
    if (!name) break;
    names.push(name);
    const size = head.readUInt32BE(at);
    if (size < 8) break;
    at += size;
  }
  return names;
}
