import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { directory } from '../../../src/origins/directory/index.js';
import { type OriginHarness, originSuite } from './suite.js';

export const harness: OriginHarness = {
  trees: true,
  exclusive: true,
  kind: async () => directory,
  async make() {
    const folder = await mkdtemp(path.join(tmpdir(), 'nightpress-origin-'));
    const root = path.join(folder, 'public', 'catalog');
    return {
      config: { type: 'directory', path: root },
      async damage(key) {
        const file = path.join(root, key);
        const bytes = await readFile(file);
        bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
        bytes[0] = (bytes[0] ?? 0) ^ 1;
        await chmod(file, 0o644);
        await writeFile(file, bytes);
      },
      everything: async () => (await readdir(root, { recursive: true })).sort(),
      close: async () => await rm(folder, { recursive: true, force: true }),
    };
  },
};

originSuite('directory', harness);
