import { open } from 'node:fs/promises';

/**
 * What is wrong with the order of an MP4's boxes; undefined when it can be played from the first bytes on. A player must
 * find the index (`moov`) before the media (`mdat`), else it cannot begin before the file has ended.
 */
export async function wrongBoxOrder(file: string): Promise<string | undefined> {
  const handle = await open(file, 'r');
  try {
    const header = Buffer.alloc(16);
    for (let at = 0; (await handle.read(header, 0, 16, at)).bytesRead >= 8; ) {
      const name = header.toString('latin1', 4, 8);
      if (name === 'moov') return undefined;
      if (name === 'mdat') return 'its index lies behind the media';
      const size = header.readUInt32BE(0);
      at += Math.max(8, size === 1 ? Number(header.readBigUInt64BE(8)) : size);
    }
    return 'it has no index';
  } finally {
    await handle.close();
  }
}
