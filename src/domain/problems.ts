import type { z } from 'zod';

/** One thing wrong with a job file: where, what stands there, what was expected. */
export interface Problem {
  /** Path inside the object that was checked: `['recipes', 'pictures', 'widths', 0]`. */
  readonly path: readonly (string | number)[];
  readonly value: unknown;
  /** In words that follow "expected". */
  readonly expected: string;
}

/** zod's issues about `value`, in our one sentence shape; `prefix` is where `value` stands in the job file. */
export function problemsOf(
  error: z.ZodError,
  value: unknown,
  prefix: readonly (string | number)[] = [],
): readonly Problem[] {
  return error.issues.flatMap((issue) => {
    const path = issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part));
    const at = (more: readonly (string | number)[], expected: string) => {
      return { path: [...prefix, ...path, ...more], value: valueAt(value, [...path, ...more]), expected };
    };
    if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => at([key], 'no such option exists'));
    return [at([], issue.message.replace(/^(Invalid|Too) \w+: /, '').replace(/^expected /, ''))];
  });
}

function valueAt(value: unknown, path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>((at, part) => {
    const isObject = typeof at === 'object' && at !== null;
    return isObject ? (at as Readonly<Record<string | number, unknown>>)[part] : undefined;
  }, value);
}
