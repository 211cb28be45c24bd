/** Names that belong to tools, not to the library: nothing below them is an asset, at any level. */
export const skippedNames: ReadonlySet<string> = new Set(['.git', '.nightpress', 'lost+found']);

/** Whether `scan` of any source could have produced this key. */
export function isKey(key: string): boolean {
  return keyProblem(key) === undefined && !isSkipped(key);
}

/** What keeps a name from being an asset key, in words that follow "expected"; undefined when nothing does. */
export function keyProblem(key: string): string | undefined {
  if (key === '') return 'a key';
  if (key.includes('\0')) return 'a key without NUL';
  if (loneSurrogate.test(key)) return 'a key of whole characters (no lone surrogate)';
  if (key.startsWith('/')) return "a relative key without a leading '/'";
  return key.split('/').some(isIllegal) ? "a key without empty, '.' or '..' segments" : undefined;
}

const loneSurrogate = /\p{Surrogate}/u;

export function isSkipped(key: string): boolean {
  return key.split('/').some((segment) => skippedNames.has(segment));
}

function isIllegal(segment: string): boolean {
  return segment === '' || segment === '.' || segment === '..';
}

/** A file or object may change once more within the same tick of its store's clock, FAT's being 2 s. */
const youngMs = 2_000;

export function isSettled(modifiedAt: number, now: number): boolean {
  return modifiedAt < now - youngMs;
}
