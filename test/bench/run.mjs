/**
 * `npm run bench [-- --quick] [--json] [--write]`: what nightpress costs, as ratios measured side by side in one run.
 *
 *   pictures  whole runs (CPU of all processes) against a plain sharp loop that makes the same outputs, and against a
 *             floor: one decode and the encodes, nothing else. Interleaved rounds, medians. The loop checks nothing of
 *             what it made, so it is set beside our run without the time of verification, and beside all of it. One
 *             worker, because loop and floor are one thread: two that share a core cost more CPU each.
 *   items     CPU per item beyond the work itself: many small copies, against hashing and copying them in one loop.
 *   no-op     a night without changes over 100,000 files, whole process, against a bare walk-and-stat of the same tree.
 *   memory    peak resident memory of each process of the picture run.
 *
 * Absolute times say something about one machine only; the ratios are what is kept. `--write` puts the table in docs/BENCH.md.
 */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import { median, timed } from './timed.mjs';

const { values: options } = parseArgs({
  options: { quick: { type: 'boolean' }, json: { type: 'boolean' }, write: { type: 'boolean' } },
});
const notes = `The floor counts one decode and the encodes and nothing else. Ours adds what it leaves out: shrinking to the smaller widths
(measured beside it, because it alone is nearly all that 1.10 allows), staging and hashing every original, starting
coordinator and worker, and decoding every output again.

The loop decodes an original once for every output, shrinking while it decodes; the larger the originals and the cheaper the
formats, the more that costs. With AVIF encoding is nearly everything, and no order of work makes it 1.6 times cheaper.`;
const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.resolve(here, '../..');
const bin = path.join(root, 'bin', 'nightpress.js');
const size = options.quick
  ? { pictures: 4, avif: 2, rounds: 1, copies: 300, files: 10_000 }
  : { pictures: 24, avif: 6, rounds: 3, copies: 2000, files: 100_000 };
const scratch = mkdtempSync(path.join(tmpdir(), 'nightpress-bench-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));

const widths = [320, 640, 960, 1280, 1920, 2560];
const rows = [
  ...(await benchPictures({ name: 'jpeg and webp', pictures: size.pictures, formats: ['jpeg', 'webp'], judged: true })),
  ...(await benchPictures({ name: 'avif, webp and jpeg', pictures: size.avif, formats: ['avif', 'webp', 'jpeg'] })),
  ...(await benchItems()),
  ...(await benchNoOp()),
];
report();

async function benchPictures({ name, pictures, formats, judged = false }) {
  const source = path.join(scratch, `pictures-${formats.length}`);
  await makePictures(source, pictures);
  const settings = JSON.stringify({ widths, formats });
  const rounds = [];
  for (let round = 0; round < (judged ? size.rounds : 1); round++) {
    const recipe = `image({ match: '**/*.jpg', widths: ${JSON.stringify(widths)}, formats: ${JSON.stringify(formats)} })`;
    const folder = project(`pictures-${formats.length}-${round}`, source, recipe);
    const command = [process.execPath, bin, 'run', 'bench', '--project', folder, '--workers', '1', '--json', '-v'];
    const ours = await timed(command, { watchMemory: true });
    const lines = ours.stdout
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line));
    const made = lines.at(-1).derivatives?.made;
    if (made !== pictures * widths.length * formats.length) throw new Error(`the run made ${made} derivatives`);
    const verify = lines.reduce((sum, line) => sum + (line.verifyCpuMs ?? 0), 0) / 1000;
    const target = path.join(scratch, 'loop');
    const loop = await timed([process.execPath, path.join(here, 'loop.mjs'), source, target, settings]);
    rmSync(target, { recursive: true });
    const floor = await timed([process.execPath, path.join(here, 'floor.mjs'), source, settings]);
    const { cpu: least, shrink } = JSON.parse(floor.stdout);
    rounds.push({ ours: ours.cpu, verify, loop: loop.cpu, floor: least, shrink, peaks: ours.peaks });
  }
  const of = (pick) => median(rounds.map(pick));
  const peaks = rounds.map((round) => round.peaks);
  const ratio = (what, value, isMet, target) =>
    judged ? row(`${name}: ${what}`, f(value), target, isMet(value)) : row(`${name}: ${what}`, f(value));
  return [
    row(
      `${pictures} pictures of 24 megapixels × ${widths.length} widths × ${name}, CPU-s`,
      `ours ${f(of((r) => r.ours))}, of it verification ${f(of((r) => r.verify))}; loop ${f(of((r) => r.loop))}; floor ${f(of((r) => r.floor))}; shrinking ${f(of((r) => r.shrink))}`,
    ),
    ratio(
      'whole run without verification / floor',
      of((r) => (r.ours - r.verify) / r.floor),
      (value) => value <= 1.1,
      '≤ 1.10',
    ),
    ratio(
      'whole run / floor',
      of((r) => r.ours / r.floor),
      (value) => value <= 1.2,
      '≤ 1.20',
    ),
    ratio(
      'loop / whole run without verification',
      of((r) => r.loop / (r.ours - r.verify)),
      (value) => value >= 1.6,
      '≥ 1.6',
    ),
    row(
      `${name}: whole run without verification / floor and shrinking`,
      f(of((r) => (r.ours - r.verify) / (r.floor + r.shrink))),
    ),
    row(`${name}: loop / whole run`, f(of((r) => r.loop / r.ours))),
    row(
      `${name}: peak memory, MB: coordinator; largest worker`,
      `${mb(Math.max(...peaks.map((p) => p.coordinator)))}; ${mb(Math.max(...peaks.map((p) => p.worker)))}`,
    ),
  ];
}

/** Photos of the fixtures, each turned into one as large as cameras make them, no two alike. */
async function makePictures(folder, count) {
  mkdirSync(folder, { recursive: true });
  const fixtures = path.join(root, 'fixtures', 'catalog');
  const photos = readdirSync(fixtures, { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.jpe?g$/i.test(file))
    .sort();
  for (let n = 0; n < count; n++) {
    const photo = path.join(fixtures, photos[n % photos.length]);
    await sharp(photo)
      .resize(6000 + 16 * n, 4000, { fit: 'cover' })
      .jpeg({ quality: 90 })
      .toFile(path.join(folder, `${String(n).padStart(3, '0')}.jpg`));
  }
}

async function benchItems() {
  const source = path.join(scratch, 'copies');
  mkdirSync(source);
  for (let n = 0; n < size.copies; n++) writeFileSync(path.join(source, `${n}.txt`), `${n}\n`.repeat(400));
  const folder = project('copies', source, "copy({ match: '**/*' })");
  const ours = await timed([process.execPath, bin, 'run', 'bench', '--project', folder, '--json']);
  const plain = await timed([process.execPath, path.join(here, 'copy-loop.mjs'), source, path.join(scratch, 'copied')]);
  const start = await timed([process.execPath, bin, '--version']);
  return [
    row(
      `items: ${size.copies} copies of 2 kB, CPU ms each`,
      `ours ${f((ours.cpu / size.copies) * 1000)} (hash, stage, worker, re-hash, fsync, checkpoint); hash, copy and fsync in a loop ${f((plain.cpu / size.copies) * 1000)}`,
    ),
    row('process start, CPU-s', f(start.cpu)),
  ];
}

async function benchNoOp() {
  const source = path.join(scratch, 'many');
  for (let n = 0; n < size.files; n++) {
    const folder = path.join(source, String(Math.floor(n / 100)));
    if (n % 100 === 0) mkdirSync(folder, { recursive: true });
    writeFileSync(path.join(folder, `asset-${n}.txt`), `content ${n % 97}\n`);
  }
  const folder = project('many', source, "copy({ match: '**/*.txt' })", ', tree: false');
  const command = [process.execPath, bin, 'run', 'bench', '--project', folder, '--json', '--now'];
  const first = await timed(command);
  checkMade(first);
  const rounds = [];
  for (let round = 0; round < Math.max(3, size.rounds); round++) {
    const ours = await timed(command, { watchMemory: true });
    const bare = await timed([process.execPath, path.join(here, 'walk.mjs'), source]);
    const result = JSON.parse(ours.stdout.trim().split('\n').at(-1));
    if (result.outcome !== 'unchanged' || result.assets.unchanged !== size.files)
      throw new Error(`not a night without changes: ${JSON.stringify(result)}`);
    rounds.push({
      cpu: ours.cpu,
      bareCpu: bare.cpu,
      wall: ours.wall,
      bareWall: bare.wall,
      peak: ours.peaks.coordinator,
    });
  }
  const of = (pick) => median(rounds.map(pick));
  return [
    row(
      `no-op night over ${size.files.toLocaleString('en-US')} files, s`,
      `CPU ${f(of((r) => r.cpu))}, wall ${f(of((r) => r.wall))}; bare walk and stat: CPU ${f(of((r) => r.bareCpu))}, wall ${f(of((r) => r.bareWall))}`,
    ),
    row(
      'no-op night / bare walk and stat, CPU',
      f(of((r) => r.cpu / r.bareCpu)),
      '≤ 3',
      of((r) => r.cpu / r.bareCpu) <= 3,
    ),
    row(
      'no-op night / bare walk and stat, wall',
      f(of((r) => r.wall / r.bareWall)),
      '≤ 3',
      of((r) => r.wall / r.bareWall) <= 3,
    ),
    row('peak memory of the no-op night, MB', mb(Math.max(...rounds.map((r) => r.peak)))),
    row(`first night over the same files, CPU ms each`, f((first.cpu / size.files) * 1000)),
  ];
}

/** A young listing is not trusted, so the run after the first may look at files again; the one after that must not. */
function checkMade(run) {
  const result = JSON.parse(run.stdout.trim().split('\n').at(-1));
  if (result.exit !== 0)
    throw new Error(`the first night failed: ${JSON.stringify(result.fault ?? result.findings.slice(0, 3))}`);
}

function project(name, source, recipe, origin = '') {
  const folder = path.join(scratch, `project-${name}`);
  mkdirSync(path.join(folder, 'jobs'), { recursive: true });
  const text = `import { copy, defineJob, image } from 'nightpress';
void copy; void image;
export default defineJob({
  source: { type: 'directory', path: ${JSON.stringify(source)} },
  window: { cron: '0 2 * * *', timezone: 'UTC', length: '4h' },
  recipes: { all: ${recipe} },
  origin: { type: 'directory', path: 'public'${origin} },
});
`;
  writeFileSync(path.join(folder, 'jobs', 'bench.ts'), text);
  return folder;
}

function f(value) {
  return value.toFixed(value < 10 ? 2 : 1);
}

function mb(value) {
  return (value / 1e6).toFixed(0);
}

function row(what, figure, target = '', met = undefined) {
  return { what, figure, target, met };
}

function report() {
  const verdict = ({ met }) => (met === undefined ? '' : met ? 'met' : 'missed');
  const lines = [
    '| what | figure | target | |',
    '|---|---|---|---|',
    ...rows.map((r) => `| ${r.what} | ${r.figure} | ${r.target} | ${verdict(r)} |`),
  ];
  if (options.json)
    console.log(
      JSON.stringify({ node: process.version, cpu: cpus()[0]?.model, processors: cpus().length, size, rows }),
    );
  else console.log(lines.join('\n'));
  if (options.write) {
    const machine = `${cpus().length} processors (${cpus()[0]?.model}), Node ${process.versions.node}, ${new Date().toISOString().slice(0, 10)}`;
    writeFileSync(
      path.join(root, 'docs', 'BENCH.md'),
      `# What nightpress costs\n\nMade by \`npm run bench -- --write\` on ${machine}. Medians of interleaved rounds.\nRatios are what to look at: absolute times belong to one machine.\n\n${lines.join('\n')}\n\n${notes}\n`,
    );
  }
}
