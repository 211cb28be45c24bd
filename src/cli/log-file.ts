import { closeSync, fstatSync, mkdirSync, openSync, readSync, writeSync } from 'node:fs';
import path from 'node:path';
import { errno, Fault } from '../domain/faults.js';
import type { RunId } from '../domain/types.js';
import type { Emit } from '../engine/events.js';
import { logFileOf } from '../engine/night.js';

/** Enough for a night's failures; what comes after is counted, not written, so that a log never fills the disk. */
const capBytes = 32 * 1024 * 1024;

/**
 * The log of one run, `runs/<run>.jsonl`: one event a line with its time, appended, size-capped.
 * The last line of a capped log says how many events were left out.
 *
 * A line that cannot be written is left out too: the state lies on the same disk and stops the night if it must, in the
 * right place; a listener that throws would stop it in the middle of anything.
 */
export interface LogFile {
  readonly file: string;
  readonly emit: Emit;
  /** Returns why lines are missing, if the disk left any out. */
  close(): string | undefined;
}

export function openLog(folder: string, run: RunId, clock: () => number): LogFile {
  const file = logFileOf(folder, run);
  const handle = opened(file);
  let torn = isTorn(handle);
  let written = 0;
  let leftOut = 0;
  let trouble: string | undefined;
  const append = (record: object) => {
    const line = Buffer.from(`${torn ? '\n' : ''}${JSON.stringify(record)}\n`);
    try {
      const bytes = writeSync(handle, line); // a disk that is nearly full takes a part, and says so by the number alone
      written += bytes;
      if (bytes < line.length) throw new Error('cut off');
      torn = false;
    } catch (error) {
      torn = true;
      trouble ??= `lines are missing in ${file} (${errno(error) ?? 'no space left'})`;
    }
  };
  return {
    file,
    emit: (event) => {
      if (written > capBytes && event.type !== 'ended') leftOut++;
      else append({ at: new Date(clock()).toISOString(), ...event });
    },
    close: () => {
      if (leftOut > 0) append({ at: new Date(clock()).toISOString(), type: 'capped', leftOut, capBytes });
      closeSync(handle);
      return trouble;
    },
  };
}

function opened(file: string): number {
  try {
    mkdirSync(path.dirname(file), { recursive: true });
    return openSync(file, 'a+');
  } catch (error) {
    throw new Fault('state-unwritable', `log file ${file} cannot be written (${errno(error)})`, { cause: error });
  }
}

/** Whether the last line was cut off, by a full disk or a crash. */
function isTorn(handle: number): boolean {
  const { size } = fstatSync(handle);
  const last = Buffer.alloc(1);
  return size > 0 && readSync(handle, last, 0, 1, size - 1) === 1 && last.toString() !== '\n';
}
