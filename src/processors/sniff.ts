import { open } from 'node:fs/promises';
import { fileTypeFromBuffer } from 'file-type';
import type { Sniffed } from './contract.js';
import { isoMediaType } from './sniff-iso.js';
import { binaryType, isMpegTs, lastGuess, oggType } from './sniff-signatures.js';
import { isText, markupType } from './sniff-text.js';

/**
 * What a file is, by content alone: names lie, and hostile names lie on purpose.
 *
 * Reads at most two windows of 64 KiB, so a file of any size and make costs the same. Our own checks come first where the
 * answer decides which decoder gets to see the bytes; file-type names the rest. An empty file is plain text: nothing in
 * it says otherwise.
 */
export async function sniff(file: string): Promise<Sniffed> {
  const handle = await open(file, 'r');
  try {
    const read: Read = async (offset) => {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(windowBytes), 0, windowBytes, offset);
      return buffer.subarray(0, bytesRead);
    };
    return { type: await sniffBytes(await read(0), read) };
  } finally {
    await handle.close();
  }
}

type Read = (offset: number) => Promise<Buffer>;

const windowBytes = 65_536;

async function sniffBytes(head: Buffer, read: Read): Promise<string> {
  if (head.subarray(0, 3).toString('latin1') === 'ID3') return taggedType(await read(endOfId3(head)));
  const known = binaryType(head) ?? isoMediaType(head) ?? oggType(head) ?? (isMpegTs(head) ? 'video/mp2t' : undefined);
  if (known) return known;
  if (isText(head)) return markupType(head) ?? textual(await namedByLibrary(head)) ?? 'text/plain';
  return (await namedByLibrary(head)) ?? lastGuess(head) ?? 'application/octet-stream';
}

/** What follows an ID3 tag, which may be megabytes of cover art. Without a hint it is MP3, the format ID3 was made for. */
function taggedType(rest: Buffer): string {
  const start = rest.subarray(0, 4).toString('latin1');
  if (start === 'fLaC') return 'audio/flac';
  if (start.startsWith('\x0bw')) return 'audio/ac3';
  return /^\xff[\xf0\xf1\xf8\xf9]/.test(start) ? 'audio/aac' : 'audio/mpeg';
}

/** Ten bytes of header, a size of four times seven bits, and a footer of ten bytes when its flag is set. */
function endOfId3(head: Buffer): number {
  const size = [6, 7, 8, 9].reduce((sum, at) => sum * 128 + ((head[at] ?? 0) & 0x7f), 0);
  const footer = ((head[5] ?? 0) & 0x10) === 0 ? 0 : 10;
  return 10 + size + footer;
}

/** file-type's names where the table of media types has another. */
const renamed: Readonly<Record<string, string>> = {
  'audio/ogg; codecs=opus': 'audio/ogg',
  'audio/x-m4a': 'audio/mp4',
  'audio/vnd.dolby.dd-raw': 'audio/ac3',
  'video/x-m4v': 'video/mp4',
  'video/MP1S': 'video/mpeg',
  'video/MP2P': 'video/mpeg',
  'application/vnd.ms-asf': 'video/x-ms-asf',
};

async function namedByLibrary(head: Buffer): Promise<string | undefined> {
  try {
    const found = await fileTypeFromBuffer(head);
    return found && (renamed[found.mime] ?? found.mime);
  } catch {
    return undefined; // a parser that trips over hostile bytes has recognised nothing; the bytes stay unnamed
  }
}

/** Bytes that read as text are only believed to be a format that is written in text. */
function textual(type: string | undefined): string | undefined {
  const written = [
    'application/pdf',
    'application/rtf',
    'application/postscript',
    'application/eps',
    'application/xml',
  ];
  return type !== undefined && (type.startsWith('text/') || written.includes(type)) ? type : undefined;
}
