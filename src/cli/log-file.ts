import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
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
 */
export interface LogFile {
  readonly file: string;
  readonly emit: Emit;
  close(): void;
}

export function openLog(folder: string, run: RunId, clock: () => number): LogFile {
  const file = logFileOf(folder, run);
  const handle = opened(file);
  let written = 0;
  let leftOut = 0;
  const append = (record: object) => {
    const line = `${JSON.stringify(record)}\n`;
    written += writeSync(handle, line);
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
    },
  };
}

function opened(file: string): number {
  try {
    mkdirSync(path.dirname(file), { recursive: true });
    return openSync(file, 'a');
  } catch (error) {
    throw new Fault('state-unwritable', `log file ${file} cannot be written (${errno(error)})`, { cause: error });
  }
}
