import { inspect } from 'node:util';

/** Anything can be thrown, also what has no text. */
export function reasonOf(error: unknown): string {
  const first = textOf(error).split('\n')[0]?.trim() ?? '';
  return first.replace(/^ParseError: /, 'syntax error: ') || 'an error without a message';
}

/**
 * Where a file could not be read as code, as `file:line:column`, both counted from 1. jiti writes Babel's `loc` behind the
 * message, in a line of its own; Babel counts columns from 0. Other errors have a stack, whose columns are those of the
 * transpiled text: the line alone. The line itself is not shown: somebody may have written a secret there.
 */
export function placeOf(error: unknown, folder: string): string | undefined {
  const [, file, line, column] = /^ParseError:.*\n\s*(\S.*):(\d+):(\d+)\s*$/.exec(textOf(error)) ?? [];
  if (file !== undefined) return `${file}:${line}:${Number(column) + 1}`;
  const stack = error instanceof Error && typeof error.stack === 'string' ? error.stack : '';
  const frames = [...stack.matchAll(/^\s+at (?:.*\()?(?:file:\/\/)?(\/.*):(\d+):\d+\)?$/gm)];
  const own = frames.find(([, at = '']) => at.startsWith(`${folder}/`) && !at.includes('/node_modules/'));
  return own && `${own[1]}:${own[2]}`;
}

function textOf(error: unknown): string {
  return error instanceof Error && typeof error.message === 'string' ? error.message : inspect(error);
}
