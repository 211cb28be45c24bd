import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import type { Answer } from './origin-server.js';
import { mediaTypeOf } from './types-by-extension.js';

/** Files below a folder as a plain web server shows them: length, type, a weak idea of change, single ranges. */
export function filesOf(folder: string): Answer {
  return async (request, response) => {
    const name = decodeURIComponent(new URL(request.url ?? '/', 'http://local').pathname);
    const file = path.join(folder, path.posix.normalize(name));
    const facts = await stat(file).catch(() => undefined);
    if (!facts?.isFile()) return void response.writeHead(404).end();
    const { start, end, partial } = rangeOf(request.headers.range ?? '', facts.size);
    response.writeHead(partial ? 206 : 200, {
      'Content-Type': mediaTypeOf(file),
      'Content-Length': facts.size === 0 ? 0 : end - start + 1,
      'Last-Modified': facts.mtime.toUTCString(),
      ETag: '"the-servers-own"',
      'Cache-Control': 'public, max-age=31536000, immutable',
      ...(partial && { 'Content-Range': `bytes ${start}-${end}/${facts.size}` }),
    });
    if (request.method === 'HEAD' || facts.size === 0) return void response.end();
    createReadStream(file, { start, end }).pipe(response);
  };
}

function rangeOf(
  header: string,
  size: number,
): { readonly start: number; readonly end: number; readonly partial: boolean } {
  const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(header) ?? [];
  if (first === undefined) return { start: 0, end: size - 1, partial: false };
  return { start: Number(first), end: last ? Math.min(Number(last), size - 1) : size - 1, partial: true };
}
