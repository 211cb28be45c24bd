import { Fault } from '../domain/faults.js';
import { jobNames } from '../job/load.js';
import { openProject } from './compose.js';
import type { CommandContext } from './context.js';
import type { RunOptions } from './run-call.js';
import { runOne } from './run-one.js';
import { toldOutside } from './tell/outside.js';
import { openTerminal, type Terminal } from './terminal.js';

/** Exit codes by how bad they are, for `--all`: the worst outcome wins. */
const severity = [0, 7, 3, 4, 5, 11, 75, 6, 69, 77, 2, 12, 1, 129, 130, 143];

export function worst(exits: readonly number[]): number {
  const rank = (exit: number) => {
    const at = severity.indexOf(exit);
    return at < 0 ? severity.length : at;
  };
  return exits.reduce((a, b) => (rank(b) > rank(a) ? b : a), 0);
}

export async function runJobs(context: CommandContext, options: RunOptions): Promise<number> {
  const project = openProject(options);
  if (options.all && options.job)
    throw new Fault('usage', `--all and a job name (${options.job}): expected one of them`);
  const names = options.all ? jobNames(project) : [options.job];
  const terminal = openTerminal(context.env, options);
  if (options.json) announce(terminal);
  const call = { context, project, terminal, options };
  return await toldOutside(call, names, async (outside) => {
    const exits: number[] = [];
    for (const name of names) {
      exits.push(await runOne({ ...call, outside }, name));
      if (outside.isStopped) break; // a signal is meant for the whole command
    }
    return worst(exits);
  });
}

/** The first line of JSON Lines: which words the others are written in. */
export function announce(terminal: Terminal): void {
  terminal.out(JSON.stringify({ type: 'version', schema: '1.0', nightpress: 1 }));
}
