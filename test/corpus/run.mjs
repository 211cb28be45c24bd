/**
 * A night over hundreds of real, broken and hostile files: `npm run test:corpus`.
 *
 * NIGHTPRESS_CORPORA names a folder with the media and an `OBSERVED.tsv` (path, MIME, what sharp and ffmpeg said of it).
 * What they could decode must be published; everything else must be a finding with a reason; nothing may crash, hang
 * or stay behind; and a second run must do no work. Exits 1 on any of it.
 */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { fail, judgeAssets, night, processesOf, project, writeJob } from './corpus.mjs';

writeJob();
const first = await night(['run', 'corpus']);
if (!first.result.live)
  fail(
    `nothing was published: ${JSON.stringify(first.result.fault ?? first.result.held)}\n${first.stderr.slice(-2000)}`,
  );
const second = await night(['run', 'corpus', '--now']);
const verdicts = await judgeAssets(first);
const problems = [...verdicts.problems, ...aftermath(first, second)];
print(verdicts.rows, first, second);
if (problems.length > 0) fail(`${problems.length} problems:\n  ${problems.join('\n  ')}`);
console.log(`corpus: ${verdicts.rows.length} assets, all as they should be`);

function aftermath({ result, stderr, pid }, again) {
  const problems = [];
  const { items } = result;
  const sum = items.done + items.reused + items.carried + items.failed + items.quarantined + items.unchanged;
  if (sum !== items.total) problems.push(`the counts of items do not add up: ${JSON.stringify(items)}`);
  if (result.fault) problems.push(`the run ended in a fault: ${result.fault.message}`);
  if (/^ {4}at /m.test(stderr)) problems.push('a stack trace on stderr');
  const work = path.join(project, '.nightpress', 'corpus');
  for (const folder of ['staging', 'outbox']) {
    const left = readdirSync(work).includes(folder) ? readdirSync(path.join(work, folder)) : [];
    if (left.length > 0) problems.push(`${left.length} files left in ${folder}`);
  }
  const temporary = path.join(project, 'public', 'corpus', '.tmp');
  if (readdirSync(temporary).length > 0) problems.push('temporary files left at the origin');
  problems.push(...processesOf(project).map((line) => `a process was left: ${line}`));
  const started = again.lines.filter((line) => line.type === 'item-started').length;
  if (started > 0 || again.result.derivatives.made > 0) problems.push(`the second run started ${started} items`);
  if (again.result.snapshot !== result.snapshot) problems.push('the second run has another snapshot');
  if (pid === undefined) problems.push('the run had no process');
  return problems;
}

function print(rows, { result }, again) {
  const classes = [...new Set(rows.map((row) => row.key.split('/')[0]))];
  console.log('class         assets  published  findings only  no recipe  slowest');
  for (const name of classes) {
    const of = rows.filter((row) => row.key.startsWith(`${name}/`));
    const slowest = Math.max(...of.map((row) => row.ms));
    const cells = [
      of.length,
      of.filter((row) => row.published).length,
      of.filter((row) => !row.published && row.items > 0).length,
      of.filter((row) => row.items === 0).length,
    ];
    console.log(
      `${name.padEnd(12)}${cells.map((n, i) => String(n).padStart([8, 11, 15, 11][i])).join('')}  ${(slowest / 1000).toFixed(1)} s`,
    );
  }
  const codes = new Map();
  for (const finding of result.findings) codes.set(finding.code, (codes.get(finding.code) ?? 0) + 1);
  console.log(
    `findings: ${[...codes]
      .sort((a, b) => b[1] - a[1])
      .map(([code, n]) => `${n} ${code}`)
      .join(', ')}`,
  );
  console.log(
    `first run ${(result.durationMs / 1000).toFixed(0)} s, ${result.derivatives.made} derivatives; second run ${(again.result.durationMs / 1000).toFixed(1)} s, ${again.result.derivatives.made} made`,
  );
}
