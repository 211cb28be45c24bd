import type { Command } from 'commander';
import { errno, Fault } from '../../domain/faults.js';
import { findSnapshot } from '../../domain/find-snapshot.js';
import { atOrigin, headOf, type OriginCall } from '../at-origin.js';
import type { CommandContext } from '../context.js';
import { publishedIn } from '../export/published.js';
import { type ExportFormat, exportFormats, textOf } from '../export/texts.js';
import { type JobOptions, withJobOptions } from '../options.js';
import { replaceFile } from '../replace-file.js';
import { addExportEdge } from './export-edge.js';

interface ExportOptions extends JobOptions {
  readonly snapshot: string;
  readonly out?: string;
}

const summaries: Readonly<Record<ExportFormat, string>> = {
  json: 'public path → URL, origin key, sha256, bytes, type, pixels',
  'vite-manifest': "public path → blob, in the shape of Vite's manifest.json",
  headers: '_headers with cache rules, for Netlify and Cloudflare Pages',
  sri: 'public path → sha256 for integrity attributes',
};

export function addExport(program: Command, context: CommandContext): void {
  const command = program
    .command('export')
    .summary('a snapshot as a map for other programs')
    .description('Writes what other programs need to know of one snapshot. The same snapshot gives the same text.')
    .addHelpText(
      'after',
      `
Examples:
  nightpress export json catalog
  nightpress export vite-manifest catalog --snapshot previous --out public/manifest.json

Exit codes: 0, 2 no such snapshot, 13 the head or a manifest is damaged, 75 the origin cannot be reached.`,
    );
  for (const format of exportFormats) addFormat(command, context, format);
  addExportEdge(command, context);
}

function addFormat(parent: Command, context: CommandContext, format: ExportFormat): void {
  withJobOptions(parent.command(`${format} [job]`))
    .summary(summaries[format])
    .description(`Writes ${summaries[format]}. Needs the origin alone.`)
    .option('--snapshot <snapshot>', '6 or more digits of its id, its seq, a pin, live, previous, staged', 'live')
    .option('--out <file>', 'write there, atomically, instead of to stdout')
    .action(async (job: string | undefined, options: ExportOptions) => {
      const given = job === undefined ? [] : [job];
      await atOrigin(context, options, { given }, (call) => exportAs(format, call, options));
    });
}

async function exportAs(format: ExportFormat, call: OriginCall, options: ExportOptions): Promise<number> {
  const head = await headOf(call);
  const snapshot = findSnapshot(head, options.snapshot);
  const published = await publishedIn(call.origin, head, snapshot);
  const text = textOf[format]({ published, baseUrl: call.job.origin.baseUrl?.replace(/\/+$/, '') });
  if (options.out !== undefined) await writeOut(options.out, text);
  const record = { type: 'export', format, job: call.job.name, snapshot, paths: published.length };
  const place = options.out === undefined ? { text } : { file: options.out };
  if (options.json) call.terminal.out(JSON.stringify({ ...record, ...place }));
  else if (options.out === undefined) call.terminal.out(text.trimEnd());
  else if (!call.terminal.quiet) {
    call.terminal.note(`wrote ${options.out}: snapshot ${snapshot.slice(0, 12)}, ${published.length} paths`);
  }
  return 0;
}

async function writeOut(file: string, text: string): Promise<void> {
  try {
    await replaceFile(file, text);
  } catch (error) {
    const why = errno(error) ?? String(error);
    throw new Fault('usage', `--out ${file} cannot be written (${why}), expected a file in a folder that exists`, {
      cause: error,
    });
  }
}
