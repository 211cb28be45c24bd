import type { RunId } from '../domain/types.js';
import type { Emit, NightEvent } from '../engine/events.js';
import type { CommandContext } from './context.js';
import { type LogFile, openLog } from './log-file.js';
import { showProgress } from './render/progress.js';
import type { Terminal } from './terminal.js';

export interface Listening {
  readonly context: CommandContext;
  readonly terminal: Terminal;
  readonly options: { readonly json?: boolean; readonly verbose?: boolean };
  /** The log goes to `runs/` in here. */
  readonly folder: string;
  readonly workers: number;
  readonly onRun?: (run: RunId) => void;
  /** Hears everything too. */
  readonly also?: Emit;
}

/** Everything a night says, told to those who want it: log file, progress on stderr, JSON Lines on stdout. */
export function listen(call: Listening): { readonly emit: Emit; close(): void } {
  const { context, terminal, options, folder, workers, onRun, also } = call;
  const progress = showProgress(terminal, context.clock, workers);
  const log = logOnceKnown(folder, context.clock, onRun);
  const line = (event: NightEvent) =>
    terminal.out(JSON.stringify({ at: new Date(context.clock()).toISOString(), ...event }));
  return {
    emit: (event) => {
      log.emit(event);
      progress.emit(event);
      also?.(event);
      if (options.json && (options.verbose || isMilestone(event.type))) line(event);
    },
    close: () => {
      progress.close();
      const trouble = log.close();
      if (trouble) terminal.note(trouble);
    },
  };
}

/** Per-item events would bury the rest: they are in the log file, and in `--json -v`. */
function isMilestone(type: string): boolean {
  return !['item-started', 'item-ended', 'blob-stored', 'checkpointed', 'partition'].includes(type);
}

/** The log is named after the run, which the engine announces with its first event; what came before is kept for it. */
function logOnceKnown(
  folder: string,
  clock: () => number,
  onRun?: (run: RunId) => void,
): Pick<LogFile, 'emit' | 'close'> {
  const early: NightEvent[] = [];
  let log: LogFile | undefined;
  return {
    emit: (event) => {
      if (event.type === 'run') {
        onRun?.(event.run);
        log = openLog(folder, event.run, clock);
        for (const before of early) log.emit(before);
      }
      if (log) log.emit(event);
      else early.push(event);
    },
    close: () => log?.close(),
  };
}
