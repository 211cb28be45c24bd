import { existsSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { makeFolder, syncFolder } from './files.js';
import { orFault } from './storage-fault.js';

/** Files of a state by what follows its name, in the order in which they are set aside. */
const suffixes = ['', '-wal', '-shm'] as const;
const draftName = 'rebuild';

/** An empty folder for a state that is not yet the job's; what a dead process left there is gone. For the lock's holder. */
export function draftFolder(folder: string): string {
  const draft = path.join(folder, draftName);
  dropDraft(folder);
  makeFolder(draft);
  return draft;
}

export function dropDraft(folder: string): void {
  orFault(folder, () => rmSync(path.join(folder, draftName), { recursive: true, force: true }));
}

/**
 * Puts the closed state of `draftFolder` in the place of the job's, which stays beside it as
 * `state.db.damaged-<instant>`; its name, or undefined when there was none. For the lock's holder.
 *
 * `state.db` goes first: killed in between, there is a `-wal` without a state, which is refused, or no state, which is
 * adopted; never an old state without its newest commits. A rename that fails is taken back.
 */
export function replaceState(folder: string, at: number): string | undefined {
  const file = path.join(folder, 'state.db');
  const aside = `${file}.damaged-${new Date(at).toISOString().replace(/[-:.]/g, '')}`;
  const moved: [from: string, to: string][] = [];
  const move = (from: string, to: string) => {
    renameSync(from, to);
    moved.push([from, to]);
  };
  orFault(folder, () => {
    try {
      for (const suffix of suffixes) if (existsSync(file + suffix)) move(file + suffix, aside + suffix);
      move(path.join(folder, draftName, 'state.db'), file);
    } catch (error) {
      for (const [from, to] of moved.reverse()) renameSync(to, from);
      throw error;
    }
    syncFolder(folder);
  });
  return existsSync(aside) ? aside : undefined;
}
