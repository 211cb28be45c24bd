import type { AssetKey } from '../domain/types.js';
import { type Refusal, refused } from './findings.js';

/** https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md: the first line, and less than 1024 bytes in all. */
const firstLine = 'version https://git-lfs.github.com/spec/v1';

/** `content`: all of a file that has less than 1024 bytes, or more than that of any other. */
export function isLfsPointer(content: Buffer): boolean {
  return content.length < 1024 && content.toString('latin1', 0, firstLine.length) === firstLine;
}

export function lfsPointer(key: AssetKey): Refusal {
  const message = 'a Git LFS pointer stands in for the file: fetch the content with git lfs pull';
  return refused(key, 'git-lfs-pointer', 'input', message);
}
