import { mkdir, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Command } from 'commander';
import { errno, Fault } from '../../domain/faults.js';
import { findSnapshot } from '../../domain/find-snapshot.js';
import { shellWord } from '../../domain/shell.js';
import type { Job } from '../../domain/types.js';
import { atOrigin, headOf, type OriginCall } from '../at-origin.js';
import type { CommandContext } from '../context.js';
import { filesFor, howTo, type Platform, platforms } from '../export/edge/index.js';
import { type EdgeFile, type EdgeTable, rowsOf } from '../export/edge/table.js';
import { publishedIn } from '../export/published.js';
import { prefixOf } from '../export/texts.js';
import { choiceOption, type JobOptions, repeated, withJobOptions } from '../options.js';
import { replaceFile } from '../replace-file.js';

interface EdgeOptions extends JobOptions {
  readonly snapshot?: readonly string[];
  readonly backend?: string;
  readonly out?: string;
}

export function addExportEdge(parent: Command, context: CommandContext): void {
  withJobOptions(parent.command('edge <platform> [job]'))
    .summary(`code or configuration for ${platforms.join(', ')}`)
    .description(
      `Writes what an edge needs to show stable public paths of one snapshot: ${platforms.join(', ')}.
Below the path of the job's baseUrl, <path> is answered from the first snapshot, or from the one that the cookie
nightpress=<snapshot> names; /s/<snapshot>/<path> always from that one. Refuses what the platform has no room for.`,
    )
    .option(
      '--snapshot <snapshot>',
      'may be repeated: the first is shown, the others can be pinned (default: live)',
      repeated,
    )
    .option(
      '--backend <url>',
      "where the edge gets the origin's objects; nginx and varnish need it (the others: the job's baseUrl)",
    )
    .option('--out <dir>', 'write the files there, atomically, instead of to stdout')
    .addHelpText(
      'after',
      `
Examples:
  nightpress export edge nginx catalog --backend http://127.0.0.1:8080/catalog --out edge
  nightpress export edge cloudfront catalog --snapshot live --snapshot previous --out edge

Exit codes: 0, 2 no such snapshot or no room for it, 13 the head or a manifest is damaged, 75 the origin cannot be reached.`,
    )
    .action(async (platform: string, job: string | undefined, options: EdgeOptions) => {
      const chosen = choiceOption('export edge', platform, platforms);
      await atOrigin(context, options, { given: job === undefined ? [] : [job] }, (call) =>
        exportEdge(chosen, call, options),
      );
    });
}

async function exportEdge(platform: Platform, call: OriginCall, options: EdgeOptions): Promise<number> {
  const table = await tableOf(platform, call, options);
  const files = filesFor[platform](table);
  if (options.out !== undefined) await writeAll(options.out, files);
  const { terminal, job } = call;
  const record = { type: 'export', format: `edge ${platform}`, job: job.name, snapshots: table.snapshots };
  if (options.json) {
    const written = files.map((file) => (options.out === undefined ? file : { name: file.name }));
    terminal.out(JSON.stringify({ ...record, paths: table.rows.length, folder: options.out ?? null, files: written }));
  } else if (options.out === undefined) {
    for (const { name, text } of files) terminal.out(`==> ${name} <==\n${text}`);
  } else if (!terminal.quiet) {
    for (const { name } of files) terminal.note(`wrote ${path.join(options.out, name)}`);
    terminal.note(howTo[platform]);
  }
  return 0;
}

async function tableOf(platform: Platform, call: OriginCall, options: EdgeOptions): Promise<EdgeTable> {
  const { job, origin } = call;
  const backend = isOwnServer(platform) ? backendElsewhere(platform, job, options) : backendOf(options, job);
  const head = await headOf(call);
  const snapshots = [...new Set((options.snapshot ?? ['live']).map((text) => findSnapshot(head, text)))];
  const published = await Promise.all(snapshots.map((snapshot) => publishedIn(origin, head, snapshot)));
  return { job: job.name, snapshots, rows: rowsOf(published), prefix: prefixOf(job.origin.baseUrl), backend };
}

/** These answer `baseUrl` themselves: without another place to ask they would ask themselves, for ever. */
function isOwnServer(platform: Platform): boolean {
  return platform === 'nginx' || platform === 'varnish';
}

function backendElsewhere(platform: Platform, job: Job, options: EdgeOptions): URL {
  const { baseUrl } = job.origin;
  const hint = fullCommand(platform, job, options);
  if (options.backend === undefined) {
    const why = `no --backend given: ${platform} itself answers ${baseUrl ?? 'what readers ask for'}`;
    throw new Fault('usage', `${why}, expected where it gets the objects`, { hint });
  }
  const backend = backendOf(options, job);
  if (baseUrl === undefined || backend.host !== new URL(baseUrl).host) return backend;
  const why = `--backend ${options.backend} is the host of baseUrl, which ${platform} itself answers`;
  throw new Fault('usage', `${why}: expected another host or port`, { hint });
}

/** What was typed, with a backend as it may be. */
function fullCommand(platform: Platform, job: Job, { snapshot = [], out = 'edge', project }: EdgeOptions): string {
  const backend = `http://127.0.0.1:8080${prefixOf(job.origin.baseUrl)}`;
  const others = [...snapshot.map((one) => `--snapshot ${shellWord(one)}`), `--out ${shellWord(out)}`];
  const where = project === undefined ? [] : [`--project ${shellWord(project)}`];
  return ['nightpress export edge', platform, job.name, `--backend ${backend}`, ...others, ...where].join(' ');
}

function backendOf({ backend }: EdgeOptions, job: Job): URL {
  const text = backend ?? job.origin.baseUrl;
  if (text === undefined) {
    throw new Fault('usage', 'no --backend given and the job has no origin.baseUrl: expected the URL of the origin');
  }
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url && /^https?:$/.test(url.protocol) && !url.search && !url.username) return url;
  throw new Fault('usage', `--backend ${text}: expected a URL such as http://10.0.0.5:8080/catalog`);
}

/** Data before the code that asks for it; files of an earlier, larger export would be uploaded with these. */
async function writeAll(folder: string, files: readonly EdgeFile[]): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
    for (const { name, text } of files) await replaceFile(path.join(folder, name), text);
    const names = new Set(files.map(({ name }) => name));
    const left = (await readdir(folder)).filter((name) => /^nightpress-kv-\d+\.json$/.test(name) && !names.has(name));
    for (const name of left) await rm(path.join(folder, name));
  } catch (error) {
    const why = errno(error) ?? String(error);
    throw new Fault('usage', `--out ${folder} cannot be written (${why}), expected a folder`, { cause: error });
  }
}
