import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import { callMinutes } from '../../domain/call-minutes.js';
import { Fault } from '../../domain/faults.js';
import { openProject } from '../compose.js';
import type { CommandContext } from '../context.js';
import { draftJob, draftWindow } from '../draft-job.js';
import { type JobOptions, withJobOptions } from '../options.js';
import { callOf } from '../schedule/call.js';
import { crontabLine } from '../schedule/crontab.js';
import { openTerminal } from '../terminal.js';

interface InitOptions extends JobOptions {
  readonly name?: string;
}

/** Enough to tell which kinds of media there are; the recipes match by pattern, not by this list. */
const mostFilesLookedAt = 5000;
const ignored = ['.nightpress/', 'public/'];

export function addInit(program: Command, context: CommandContext): void {
  withJobOptions(program.command('init <folder>'))
    .summary('write a first job for a folder of media')
    .description(
      'Asks nothing: writes jobs/<name>.ts for the folder, a .gitignore, and prints a crontab line. Overwrites nothing.',
    )
    .option('--name <name>', 'name of the job (default: the name of the folder)')
    .addHelpText('after', '\nExample:\n  nightpress init media/photos')
    .action((folder: string, options: InitOptions) => {
      initJob(context, folder, options);
    });
}

function initJob(context: CommandContext, folder: string, options: InitOptions): void {
  const project = openProject(options);
  const source = path.resolve(folder);
  if (!existsSync(source))
    throw new Fault('usage', `folder ${source} does not exist: expected the folder of your media`);
  const name = options.name ?? nameFrom(path.basename(source));
  if (!/^[a-z0-9][a-z0-9._-]*$/.test(name))
    throw new Fault('usage', `--name ${name}: expected a-z, 0-9, '.', '_' and '-'`);
  const file = path.join(project.folder, 'jobs', `${name}.ts`);
  if (existsSync(file)) throw new Fault('usage', `${file} exists already: expected another --name`);
  const origin = `public/${name}`;
  refuseOverlap(source, project.folder, origin);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(
    file,
    draftJob({
      source: relative(project.folder, source),
      origin,
      extensions: extensionsBelow(source),
      timezone: localZone(),
    }),
  );
  const added = extendGitignore(path.join(project.folder, '.gitignore'));
  const next = [`nightpress plan ${name} --explain`, `nightpress run ${name}`];
  const zone = localZone();
  const crontab = crontabLine(
    callOf(project, name, context.env),
    callMinutes(draftWindow(zone), zone, context.clock()),
  );
  const terminal = openTerminal(context.env, options);
  if (options.json) {
    terminal.out(JSON.stringify({ type: 'init', job: name, file, gitignore: added, crontab, next }));
    return;
  }
  terminal.out(`wrote     ${file}`);
  if (added.length > 0) terminal.out(`wrote     .gitignore: ${added.join(', ')}`);
  terminal.out(`origin    ${origin}: change origin.path to where your web server or CDN reads`);
  for (const command of next) terminal.out(`next      ${terminal.paint('cyan', command)}`);
  terminal.out(
    'crontab   when it works, add this line (crontab -e); cron may call it every hour, the job decides about its window:',
  );
  terminal.out(`  ${crontab}`);
}

/** Publishing into the source would make the publication an asset. */
function refuseOverlap(source: string, project: string, origin: string): void {
  const target = path.join(project, origin);
  const work = path.join(project, '.nightpress');
  for (const inside of [target, work]) {
    if (inside === source || inside.startsWith(`${source}${path.sep}`)) {
      throw new Fault(
        'usage',
        `${source} contains ${inside}: expected media in a folder of its own, apart from what nightpress writes`,
      );
    }
  }
}

function nameFrom(folder: string): string {
  return (
    folder
      .toLowerCase()
      .replace(/[^a-z0-9._-]+/g, '-')
      .replace(/^[^a-z0-9]+|-+$/g, '') || 'library'
  );
}

function relative(project: string, source: string): string {
  const inside = path.relative(project, source);
  return inside.startsWith('..') ? source : inside || '.';
}

function extensionsBelow(folder: string): ReadonlySet<string> {
  const found = new Set<string>();
  const open = [folder];
  let looked = 0;
  for (let next = open.pop(); next !== undefined && looked < mostFilesLookedAt; next = open.pop()) {
    for (const entry of readdirSync(next, { withFileTypes: true })) {
      if (entry.isDirectory()) open.push(path.join(next, entry.name));
      else if (entry.isFile() && ++looked) found.add(path.extname(entry.name).slice(1));
    }
  }
  return found;
}

function localZone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC';
}

function extendGitignore(file: string): readonly string[] {
  const before = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const missing = ignored.filter((line) => !before.split('\n').includes(line));
  if (missing.length > 0)
    writeFileSync(file, `${before}${before === '' || before.endsWith('\n') ? '' : '\n'}${missing.join('\n')}\n`);
  return missing;
}
