import type { Command } from 'commander';
import { explainAsset, type Story } from '../../engine/explain.js';
import { isLocked } from '../../state/lock.js';
import { openScratchState } from '../../state/open.js';
import { assetNamed, lookingNight } from '../asset-named.js';
import { findJob, jobFolder, openProject } from '../compose.js';
import type { CommandContext } from '../context.js';
import { type JobOptions, withChannelOption, withJobOptions } from '../options.js';
import { renderStory, storyRecord } from '../render/explain.js';
import { openTerminal } from '../terminal.js';

export function addExplain(program: Command, context: CommandContext): void {
  withChannelOption(withJobOptions(program.command('explain')))
    .usage('[job] <asset> [options]')
    .argument('<asset>', 'key, path of the file, public path or URL; before it the job, where there are several')
    .argument('[of-job]') // whichever comes second: usage says it in order
    .summary('the whole story of one asset')
    .description(
      `Tells of one asset when it was seen, what a run would do with it and why, every run that touched it, its derivatives
with their URLs, and the snapshots that hold it. Reads only; works beside a live run, and without a local state.`,
    )
    .addHelpText(
      'after',
      `
Examples:
  nightpress explain catalog products/label.webp
  nightpress explain catalog https://cdn.example.com/catalog/live/products/label.webp/640w.avif --json

Exit codes: 0 told, 2 no such asset (the nearest names are listed).`,
    )
    .action(async (first: string, second: string | undefined, options: JobOptions) => {
      const [job, asset] = second === undefined ? [undefined, first] : [first, second];
      const terminal = openTerminal(context.env, options);
      const { name, story } = await tellOf(context, { job, asset, options });
      if (options.json) terminal.out(JSON.stringify(storyRecord(name, story)));
      else renderStory(terminal, name, story);
    });
}

interface Question {
  readonly job: string | undefined;
  readonly asset: string;
  readonly options: JobOptions;
}

async function tellOf(
  context: CommandContext,
  question: Question,
): Promise<{ readonly name: string; readonly story: Story }> {
  const project = openProject(question.options);
  const job = await findJob(project, question.job);
  const folder = jobFolder(project, job.name);
  const state = openScratchState(folder);
  try {
    const night = await lookingNight(job, state, { folder, clock: context.clock });
    const key = await assetNamed(night, project, question.asset);
    return { name: job.name, story: await explainAsset(night, key, isLocked(folder)) };
  } finally {
    state.close();
  }
}
