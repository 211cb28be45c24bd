import { copyFileSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Command } from 'commander';
import { Fault } from '../../domain/faults.js';
import { compileMatch } from '../../domain/match.js';
import type { AssetKey, Job } from '../../domain/types.js';
import { openScratchState } from '../../state/open.js';
import { assetNamed, filesNamed, lookingNight } from '../asset-named.js';
import { jobFolder, openProject } from '../compose.js';
import type { CommandContext } from '../context.js';
import { dryRun } from '../dry-run.js';
import { keyBelow } from '../files-from.js';
import { localSource } from '../local-source.js';
import { type JobOptions, withJobOptions } from '../options.js';
import type { RunCall, RunOptions } from '../run-call.js';
import { toldInOneRecord } from '../run-early.js';
import { announce } from '../run-jobs.js';
import { openTerminal } from '../terminal.js';

interface TryOptions extends JobOptions {
  readonly out?: string;
  readonly as?: string;
  readonly grace: string;
}

export function addTry(program: Command, context: CommandContext): void {
  withJobOptions(program.command('try'))
    .usage('[job] <asset|file> [options]')
    .argument('<asset>', 'key, public path or URL of an asset, or any file; before it the job, where there are several')
    .argument('[of-job]') // whichever comes second: usage says it in order
    .summary('process one asset here and now, to see how it goes')
    .description(
      `Processes one asset, or one file from anywhere, by the recipes of a job, into a folder to look at: as at night, but
in the foreground, showing what workers and tools wrote. Touches neither state nor origin; works beside a live run.`,
    )
    .option('--out <dir>', 'where to leave what was made (default: a new temporary folder)')
    .option('--as <key>', 'for a file from elsewhere: the key it would have (default: its name)')
    .option('--grace <duration>', 'time for what is in work after the first signal', '30s')
    .addHelpText(
      'after',
      `
Examples:
  nightpress try catalog products/label.webp
  nightpress try catalog ~/Downloads/odd.jpg --as products/odd.jpg --out preview

Exit codes: 0 made, 1 it fails, 2 no such asset or file, or no recipe matches it.`,
    )
    .action(async (first: string, second: string | undefined, options: TryOptions) => {
      const [job, word] = second === undefined ? [undefined, first] : [first, second];
      context.exit = await tryOne(context, { job, word, options });
    });
}

interface Question {
  readonly job: string | undefined;
  readonly word: string;
  readonly options: TryOptions;
}

async function tryOne(context: CommandContext, { job: name, word, options }: Question): Promise<number> {
  const project = openProject(options);
  const terminal = openTerminal(context.env, options);
  if (options.json) announce(terminal);
  const runOptions: RunOptions = { ...options, ifLocked: 'fail', workers: '1' };
  const call = { context, project, terminal, options: runOptions };
  return await toldInOneRecord(call, name, async (job) => {
    const subject = await subjectOf(call, job, word, options.as);
    try {
      refuseUnmatched(subject);
      const out = options.out === undefined ? undefined : path.resolve(options.out);
      const only = (key: AssetKey) => key === subject.key;
      return await dryRun(call, subject.job, {
        only,
        out,
        failOn: 'any',
        isTry: true,
        all: false,
      });
    } finally {
      if (subject.temporary) rmSync(subject.temporary, { recursive: true, force: true });
    }
  });
}

interface Subject {
  /** Whose source holds the asset. */
  readonly job: Job;
  readonly key: AssetKey;
  /** A source made for a file from elsewhere. */
  readonly temporary?: string;
}

async function subjectOf(call: RunCall, job: Job, word: string, as: string | undefined): Promise<Subject> {
  const root = localSource(job);
  const isElsewhere = (one: string) => isFile(one) && (root === undefined || keyBelow(root, one) === undefined);
  const isKey = as === undefined && isKeyBelow(root, word);
  const file = isKey ? undefined : filesNamed(call.project, word).find(isElsewhere);
  if (file !== undefined) return fromElsewhere(job, file, as ?? path.basename(file));
  if (as !== undefined) throw new Fault('usage', `--as ${as}: expected a file from outside the source, got '${word}'`);
  const folder = jobFolder(call.project, job.name);
  const state = openScratchState(folder);
  try {
    const night = await lookingNight(job, state, { folder, clock: call.context.clock });
    return { job, key: await assetNamed(night, call.project, word) };
  } finally {
    state.close();
  }
}

/** What a report calls by its key is meant, also where a file of that name lies in the current folder. */
function isKeyBelow(root: unknown, word: string): boolean {
  const isPlain = path.normalize(word) === word && !path.isAbsolute(word) && !word.startsWith('..');
  return typeof root === 'string' && isPlain && isFile(path.join(root, word));
}

function isFile(file: string): boolean {
  return statSync(file, { throwIfNoEntry: false })?.isFile() ?? false;
}

function fromElsewhere(job: Job, file: string, key: AssetKey): Subject {
  const temporary = mkdtempSync(path.join(tmpdir(), 'nightpress-try-source-'));
  const place = path.join(temporary, key);
  if (keyBelow(temporary, place) !== key) {
    rmSync(temporary, { recursive: true, force: true });
    throw new Fault('usage', `--as ${key}: expected a key such as 'products/odd.jpg'`);
  }
  mkdirSync(path.dirname(place), { recursive: true });
  copyFileSync(file, place);
  return { key, temporary, job: { ...job, source: { type: 'directory', path: temporary } } };
}

function refuseUnmatched({ job, key }: Subject): void {
  if (compileMatch(job.recipes)(key).length > 0) return;
  const known = job.recipes.map(({ name, match }) => `${name}: ${match.join(' ')}`).join('; ');
  throw new Fault('usage', `no recipe of '${job.name}' matches '${key}': expected one of ${known}`);
}
