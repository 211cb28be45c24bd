import { existsSync, readFileSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { errno, Fault } from '../domain/faults.js';
import type { AssetKey } from '../domain/types.js';

/** The text of `--files-from`: a file, or stdin for `-`. */
export async function readFileList(file: string): Promise<readonly string[]> {
  if (file === '-') {
    const chunks: Buffer[] = [];
    for await (const chunk of process.stdin) chunks.push(Buffer.from(chunk));
    return parseFileList(Buffer.concat(chunks).toString());
  }
  try {
    return parseFileList(readFileSync(file, 'utf8'));
  } catch (error) {
    const message = `--files-from ${file} cannot be read (${errno(error)}): expected a list of paths, or - for stdin`;
    throw new Fault('usage', message, { cause: error });
  }
}

/** Paths, one a line or ended by NUL, as `git diff --name-only` writes them with and without `-z`. */
export function parseFileList(text: string): readonly string[] {
  const lines = text.includes('\0')
    ? text.split('\0')
    : text.split('\n').map((line) => unquote(line.replace(/\r$/, '')));
  return lines.filter((line) => line !== '');
}

const escapes: Readonly<Record<string, number>> = { a: 7, b: 8, t: 9, n: 10, v: 11, f: 12, r: 13, '"': 34, '\\': 92 };

/** git quotes names as C does, their bytes in octal (git-config, core.quotePath). */
function unquote(line: string): string {
  if (!/^".*"$/s.test(line)) return line;
  const bytes: number[] = [];
  for (const [, octal, letter, plain = ''] of line.slice(1, -1).matchAll(/\\([0-7]{3})|\\(.)|([^\\]+)/gs)) {
    if (octal) bytes.push(Number.parseInt(octal, 8));
    else if (letter) bytes.push(...(letter in escapes ? [escapes[letter] ?? 0] : Buffer.from(letter)));
    else bytes.push(...Buffer.from(plain));
  }
  return Buffer.from(bytes).toString();
}

export interface FileList {
  readonly keys: ReadonlySet<AssetKey>;
  /** Paths that are not there: below the source, or perhaps meant from its root. */
  readonly gone: number;
  readonly outside: number;
}

export interface WhereFrom {
  /** Folders that a path may start from, best first. */
  readonly bases: readonly string[];
  /** The source's folder, where it has one. */
  readonly root: string | undefined;
  readonly known: ReadonlySet<AssetKey>;
}

/** Which assets these paths mean: from one of the bases, from the source's own root, or absolute. */
export function assetsAmong(lines: readonly string[], { bases, root, known }: WhereFrom): FileList {
  const keys = new Set<AssetKey>();
  let [gone, outside] = [0, 0];
  for (const line of new Set(lines)) {
    const inside =
      root === undefined ? [] : bases.flatMap((base) => keyBelow(root, path.resolve(real(base), line)) ?? []);
    const found = [...inside, path.posix.normalize(line)].find((key) => known.has(key));
    if (found !== undefined) keys.add(found);
    else if (inside.length > 0 || isMissing(line, bases)) gone++;
    else outside++;
  }
  return { keys, gone, outside };
}

/** A name that is nothing here may be meant from the source's own root: nobody can say that it is outside. */
function isMissing(line: string, bases: readonly string[]): boolean {
  if (path.isAbsolute(line) || path.normalize(line).startsWith('..')) return false;
  return !bases.some((base) => existsSync(path.resolve(base, line)));
}

/** The key of a file of the source's folder; undefined for anything elsewhere. */
export function keyBelow(root: string, file: string): AssetKey | undefined {
  const relative = path.relative(real(root), file);
  const isOutside =
    relative === '' || relative === '..' || relative.startsWith(`..${path.sep}`) || path.isAbsolute(relative);
  return isOutside ? undefined : relative.split(path.sep).join('/');
}

function real(folder: string): string {
  try {
    return realpathSync(folder);
  } catch {
    return path.resolve(folder); // the source itself will say that it is not there
  }
}
