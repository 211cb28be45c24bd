import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { sources } from '../../../src/sources/index.js';
import { type SourceFixture, sourceSuite } from './suite.js';

sourceSuite('directory', {
  async kind() {
    const load = sources.directory;
    if (!load) throw new Error('the directory source is not registered');
    return await load();
  },
  async make(): Promise<SourceFixture> {
    const place = await mkdtemp(path.join(tmpdir(), 'nightpress-source-'));
    const root = path.join(place, 'library');
    await mkdir(root);
    return {
      config: { type: 'directory', path: root },
      async put(key, bytes) {
        await mkdir(path.dirname(path.join(root, key)), { recursive: true });
        await writeFile(path.join(root, key), bytes);
      },
      remove: (key) => rm(path.join(root, key)),
      lose: () => rename(root, path.join(place, 'unmounted')),
      close: () => rm(place, { recursive: true, force: true }),
    };
  },
});
