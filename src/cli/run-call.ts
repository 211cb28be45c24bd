import type { Project } from '../job/load.js';
import type { CommandContext } from './context.js';
import type { JobOptions, WaitOptions } from './options.js';
import type { Outside, OutsideOptions } from './tell/outside.js';
import type { Terminal } from './terminal.js';

export interface RunOptions extends JobOptions, OutsideOptions, WaitOptions {
  readonly job?: string;
  readonly all?: boolean;
  readonly now?: boolean;
  readonly rerun?: boolean;
  readonly adopt?: boolean;
  readonly deadline?: string;
  readonly allowPartial?: boolean;
  readonly ifLocked: string;
  readonly workers?: string;
  readonly grace: string;
}

export interface RunCall {
  readonly context: CommandContext;
  readonly project: Project;
  readonly terminal: Terminal;
  readonly options: RunOptions;
  /** Hears how each job went; nobody does of a dry run. */
  readonly outside?: Outside;
}
