import type { z } from 'zod';
import { meantName } from './nearest.js';

/** One thing wrong with a job file: where, what stands there, what was expected. */
export interface Problem {
  /** Path inside the object that was checked: `['recipes', 'pictures', 'widths', 0]`. */
  readonly path: readonly (string | number)[];
  readonly value: unknown;
  /** In words that follow "expected". */
  readonly expected: string;
}

/**
 * zod's issues about `value`, in our one sentence shape; `prefix` is where `value` stands in the job file. With the shapes
 * that `value` may have keys of, a key that none of them knows is told with the one that was meant.
 */
export function problemsOf(
  error: z.ZodError,
  value: unknown,
  prefix: readonly (string | number)[] = [],
  shapes: readonly z.ZodType[] = [],
): readonly Problem[] {
  return error.issues.flatMap((issue) => {
    const path = issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part));
    const at = (more: readonly (string | number)[], expected: string) => {
      return { path: [...prefix, ...path, ...more], value: valueAt(value, [...path, ...more]), expected };
    };
    if (issue.code === 'unrecognized_keys') {
      const known = shapes.flatMap((shape) => keysAt(shape, path));
      return issue.keys.map((key) => at([key], noSuchKey(key, known)));
    }
    return [at([], issue.message.replace(/^(Invalid|Too) \w+: /, '').replace(/^expected /, ''))];
  });
}

const secretPattern = /secret|credential|token|password|accesskey/i;

/** Of a store's place. A job file is read by many; what stands there by mistake is not repeated on the screen and in logs. */
export function withoutSecret(problem: Problem): Problem {
  const { path, value } = problem;
  if (typeof value === 'string' && /\/\/.*[@?]/.test(value)) return { ...problem, value: '(not shown)' };
  if (!path.some((part) => secretPattern.test(String(part)))) return problem;
  const expected = 'no credentials in a job file: they come from the environment, as for other AWS tools';
  return { path, value: '(not shown)', expected };
}

function noSuchKey(key: string, known: readonly string[]): string {
  const meant = meantName(key, known);
  return meant === undefined ? 'no such key' : `no such key (did you mean ${meant}?)`;
}

/** What zod's definitions of objects, and of what may stand around one, have in common. */
interface Definition extends z.core.$ZodTypeDef {
  readonly shape?: Readonly<Record<string, z.core.$ZodType>>;
  readonly innerType?: z.core.$ZodType;
  readonly in?: z.core.$ZodType;
  readonly element?: z.core.$ZodType;
  readonly valueType?: z.core.$ZodType;
  readonly options?: readonly z.core.$ZodType[];
}

/** The keys that an object at `path` inside this shape may have; none where no object may stand. */
function keysAt(type: z.core.$ZodType, path: readonly (string | number)[]): readonly string[] {
  const { shape, innerType, in: input, element, valueType, options }: Definition = type._zod.def;
  const around = innerType ?? input;
  if (around) return keysAt(around, path);
  if (options) return options.flatMap((option) => keysAt(option, path));
  const [first, ...rest] = path;
  if (first === undefined) return Object.keys(shape ?? {});
  const inside = shape ? shape[first] : (element ?? valueType);
  return inside ? keysAt(inside, rest) : [];
}

function valueAt(value: unknown, path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>((at, part) => {
    const isObject = typeof at === 'object' && at !== null;
    return isObject ? (at as Readonly<Record<string | number, unknown>>)[part] : undefined;
  }, value);
}
