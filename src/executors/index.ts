import type { ExecutorKind } from './contract.js';

/** Every way to run work orders, by the name that chooses it. */
export const executors: Readonly<Record<string, () => Promise<ExecutorKind>>> = Object.freeze({
  processes: async () => (await import('./processes/index.js')).kind,
});
