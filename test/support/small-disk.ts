import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** A file system of a few megabytes of its own, which can be filled and made read-only. */
export interface SmallDisk {
  readonly folder: string;
  /** Takes all free space, to the last page. */
  fill(): void;
  free(): void;
  readOnly(yes: boolean): void;
  unmount(): void;
}

export async function aSmallDisk(folder: string, megabytes: number): Promise<SmallDisk> {
  await mkdir(folder, { recursive: true });
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'nightpress-test', folder], { stdio: 'pipe' });
  const ballast = path.join(folder, 'ballast');
  return {
    folder,
    fill: () => fillUp(ballast),
    free: () => rmSync(ballast, { force: true }),
    readOnly: (yes) =>
      void execFileSync('mount', ['-o', `remount,bind,${yes ? 'ro' : 'rw'}`, folder], { stdio: 'pipe' }),
    unmount: () => void execFileSync('umount', ['-l', folder], { stdio: 'pipe' }),
  };
}

/** Whether this process may mount: as root, or as root of a user namespace (`unshare -rm`). */
export function mayMount(): boolean {
  const folder = mkdtempSync(path.join(tmpdir(), 'nightpress-mount-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4k', 'nightpress-test', folder], { stdio: 'pipe' });
    execFileSync('umount', [folder], { stdio: 'pipe' });
    return true;
  } catch {
    return false;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function fillUp(file: string): void {
  const handle = openSync(file, 'w');
  try {
    for (const size of [1 << 20, 4096]) {
      const block = Buffer.alloc(size, 1);
      while (writeSync(handle, block) === size);
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  } finally {
    closeSync(handle);
  }
}
