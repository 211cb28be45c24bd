import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    root: new URL('..', import.meta.url).pathname,
    include: ['test/**/*.test.ts'],
    testTimeout: 240_000,
    hookTimeout: 240_000,
    expect: { poll: { timeout: 20_000 } }, // a busy machine takes its time
    // Two cores: media tests measure time limits, so files do not compete without bound.
    maxWorkers: 2,
    pool: 'forks',
  },
});
