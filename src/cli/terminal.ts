/** SGR codes: on, off. (`util.styleText` came with Node 20.12, after our oldest.) */
const styles = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
} as const;
type Style = keyof typeof styles;

/** Where a command writes. stdout carries the result, stderr the progress; nothing else writes to either. */
export interface Terminal {
  /** One line of the result. */
  out(line: string): void;
  /** One line of progress or diagnostics. */
  note(line: string): void;
  /**
   * When and what a call is, for logs that many calls append to: stands on stderr before all else. Not told to a terminal;
   * to `quiet` only when something else is, which is no record of `--json`.
   */
  begin(line: string): void;
  /** Raw text on stderr, for the live block. */
  draw(text: string): void;
  /** True where a live block may be drawn: stderr is a terminal and this is not CI. */
  readonly live: boolean;
  readonly columns: number;
  readonly quiet: boolean;
  readonly verbose: boolean;
  paint(style: Style, text: string): string;
}

export interface TerminalOptions {
  readonly quiet?: boolean;
  readonly verbose?: boolean;
  readonly json?: boolean;
}

export function openTerminal(env: NodeJS.ProcessEnv, options: TerminalOptions = {}): Terminal {
  const live = Boolean(process.stderr.isTTY) && !isSet(env.CI) && env.TERM !== 'dumb';
  const quiet = options.quiet ?? false;
  let opening = '';
  const begun = () => {
    process.stderr.write(opening);
    opening = '';
  };
  const colour = wantsColour(env, Boolean(process.stderr.isTTY));
  return {
    out: (line) => {
      if (opening && !options.json) begun();
      process.stdout.write(`${line}\n`);
    },
    note: (line) => {
      if (opening) begun();
      process.stderr.write(`${line}\n`);
    },
    begin: (line) => {
      opening = process.stderr.isTTY ? '' : `${line}\n`;
      if (opening && !quiet) begun();
    },
    draw: (text) => void process.stderr.write(text),
    live,
    get columns() {
      return process.stderr.columns ?? 80; // windows change their size
    },
    quiet,
    verbose: options.verbose ?? false,
    paint: (style, text) => (colour ? `\u001b[${styles[style][0]}m${text}\u001b[${styles[style][1]}m` : text),
  };
}

/** NO_COLOR beats FORCE_COLOR beats what the stream is (no-color.org, force-color.org). */
function wantsColour(env: NodeJS.ProcessEnv, tty: boolean): boolean {
  if (isSet(env.NO_COLOR)) return false;
  if (env.FORCE_COLOR !== undefined) return env.FORCE_COLOR !== '0' && env.FORCE_COLOR !== 'false';
  return tty && env.TERM !== 'dumb';
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== '' && value !== '0' && value !== 'false';
}
