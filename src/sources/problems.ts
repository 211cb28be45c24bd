import type { z } from 'zod';
import type { Problem } from './contract.js';

/** zod's issues about one flat `source` object: where, what stands there, what was expected. */
export function problemsOf(error: z.ZodError, config: unknown): Problem[] {
  return error.issues.flatMap((issue) => {
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => ({ path: [key], value: valueAt(config, key), expected: 'no such option exists' }));
    }
    const path = issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part));
    const value = path.length === 0 ? config : valueAt(config, String(path[0]));
    return [{ path, value, expected: issue.message.replace(/^Invalid input: /, '') }];
  });
}

function valueAt(config: unknown, key: string): unknown {
  return typeof config === 'object' && config !== null ? (config as Record<string, unknown>)[key] : undefined;
}
