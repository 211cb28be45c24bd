import { createInterface } from 'node:readline';
import { Fault } from '../domain/faults.js';
import type { Terminal } from './terminal.js';

/** Exit code of a command that somebody at a terminal called off. */
export const answeredNo = 1;

export interface Question {
  /** Ends in a question mark. */
  readonly text: string;
  /** `--yes` was given. */
  readonly yes: boolean;
  /** The same command with `--yes`, for who cannot be asked. */
  readonly command: string;
}

/** Whether a person agreed. Only somebody at a terminal is asked; elsewhere it is `usage` to leave `--yes` out. */
export async function agreed(terminal: Terminal, { text, yes, command }: Question): Promise<boolean> {
  if (yes) return true;
  if (terminal.live && process.stdin.isTTY) return await ask(text);
  throw new Fault('usage', `nobody can be asked here: expected --yes`, { hint: command });
}

/** The end of the input, or Ctrl-C, is a no. */
async function ask(text: string): Promise<boolean> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await new Promise((resolve) => {
      lines.once('close', () => resolve(false));
      lines.question(`${text} [y/N] `, (answer) => resolve(/^y(es)?$/i.test(answer.trim())));
    });
  } finally {
    lines.close();
  }
}
