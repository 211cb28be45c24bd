import { defineConfig } from 'vitest/config';

/** Tests with servers that not every machine has; `test/servers/setup.mjs` installs them. One at a time: they are real. */
export default defineConfig({
  test: {
    root: new URL('../..', import.meta.url).pathname,
    include: ['test/servers/**/*.servertest.ts'],
    testTimeout: 240_000,
    hookTimeout: 240_000,
    fileParallelism: false,
    pool: 'forks',
  },
});
