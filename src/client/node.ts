import { open } from 'node:fs/promises';
import path from 'node:path';
import { ReadError } from './errors.js';
import { joined, type Source, tooLarge, unread } from './source.js';

/**
 * An origin in a local folder, or the `head.json` in it; for builds on the machine that publishes. `baseUrl` is where
 * pages will find it. A module of its own (`nightpress/client/node`), so that browsers never meet Node's built-ins.
 */
export function fromFolder(folderOrHead: string, baseUrl: string): Source {
  const folder = path.basename(folderOrHead) === 'head.json' ? path.dirname(folderOrHead) : folderOrHead;
  return {
    baseUrl: baseUrl.replace(/\/+$/, ''),
    read: async (key, { maxBytes, signal }) => {
      const file = path.join(folder, key);
      try {
        return await bytesOf(file, maxBytes, signal);
      } catch (error) {
        if (error instanceof ReadError) throw error;
        const { code } = error as NodeJS.ErrnoException;
        if (code === 'ENOENT' || code === 'ENOTDIR') throw new ReadError('missing', `${file} is not there`, error);
        throw unread(file, signal, error);
      }
    },
  };
}

async function bytesOf(file: string, maxBytes: number, signal: AbortSignal): Promise<Uint8Array> {
  const handle = await open(file, 'r');
  try {
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    for await (const chunk of handle.createReadStream({ autoClose: false, signal })) {
      bytes += (chunk as Uint8Array).byteLength;
      if (bytes > maxBytes) throw tooLarge(file, maxBytes);
      chunks.push(chunk as Uint8Array);
    }
    return joined(chunks, bytes);
  } finally {
    await handle.close();
  }
}
