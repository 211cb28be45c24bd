import { sha256 } from '../../src/domain/digest.js';
import type { Head } from '../../src/domain/head.js';
import { entries } from '../../src/domain/manifest.js';
import { blobKey, manifestKey } from '../../src/domain/origin-keys.js';
import type { Digest } from '../../src/domain/types.js';

type Get = (key: string) => Promise<Buffer | undefined>;

/** What a reader who follows the head finds: every blob by its public path, told by its hash. A node with other bytes than its name says throws. */
export async function liveFilesOf(head: Head, get: Get): Promise<Readonly<Record<string, 'whole' | 'broken'>>> {
  const at = async (key: string) => (await get(key)) ?? Buffer.from('missing');
  const files: Record<string, 'whole' | 'broken'> = {};
  const snapshot = head.channels.live?.snapshot;
  if (!snapshot) return files;
  const node = async (digest: Digest) => {
    const bytes = await at(manifestKey(digest));
    if (sha256(bytes) !== digest) throw new Error(`manifest node ${digest} is missing or has other bytes`);
    return bytes;
  };
  for await (const { items } of entries(node, snapshot))
    for (const derivative of Object.values(items).flatMap((item) => item.derivatives))
      files[derivative.path] = sha256(await at(blobKey(derivative))) === derivative.sha256 ? 'whole' : 'broken';
  return files;
}
