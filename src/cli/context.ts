/** What every command is given: the outside world, and where it leaves its exit code. */
export interface CommandContext {
  readonly env: NodeJS.ProcessEnv;
  readonly clock: () => number;
  /** Set by the command; 0 unless it says otherwise. */
  exit: number;
  /** Of the command that was given. */
  channel?: string;
  /** The command that was given, by its words: `run`, `export edge`. */
  command?: string;
}
