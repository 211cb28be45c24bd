/**
 * `npm run bench:skew [-- --write]`: how long uneven nights take, against the shortest time they could take.
 *
 *   bound      max(total work / workers, longest item): no order of work is faster
 *   ours       the very classes of a run (cost model, partitions, handing out), in simulated time
 *   equal      partitions of ten items in listing order, each worked by whoever is free: what people write by hand
 *
 * Synthetic nights draw sizes from heavy-tailed distributions, and what an item really takes from what its processor
 * expects times two factors that nobody knows beforehand: one of the machine and format, one of the content. History is
 * three earlier nights of the same kind. The real night is a run of the command line over pictures, clips and sound with
 * two workers, and the same again with what was learned; its figures are what the workers really took.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import Database from 'better-sqlite3';
import sharp from 'sharp';
import { CostModel } from '../../dist/domain/cost.js';
import { Handout } from '../../dist/domain/handout.js';
import { balance } from '../../dist/domain/partitions.js';
import { recipeKinds } from '../../dist/processors/index.js';

const { values: options } = parseArgs({ options: { write: { type: 'boolean' }, 'no-real': { type: 'boolean' } } });
const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const bin = path.join(root, 'bin', 'nightpress.js');
const nightsDrawn = 20;

const settings = (kind, given) => recipeKinds[kind].schema.parse(given);
const priced = (kind, given) => ({ recipe: { kind, settings: settings(kind, given) }, kind: recipeKinds[kind] });
const recipes = new Map([
  ['pictures', priced('image', { widths: [320, 640, 1280], formats: ['avif', 'webp', 'jpeg'] })],
  ['clips', priced('video', { heights: [720], poster: true })],
  ['sound', priced('audio', { formats: ['aac'] })],
]);

/** How many of what, the median size in bytes, and how heavy the tail is (sigma of the logarithm). */
const nights = {
  'a catalogue: 3,000 photos and drawings': [
    { recipe: 'pictures', ext: 'jpg', count: 2700, bytes: 2e6, tail: 0.9, format: 1.6, content: 0.25 },
    { recipe: 'pictures', ext: 'png', count: 300, bytes: 8e5, tail: 1.3, format: 3, content: 0.4 },
  ],
  'a newsroom: 400 photos, 60 clips, 80 sounds': [
    { recipe: 'pictures', ext: 'jpg', count: 400, bytes: 3e6, tail: 0.8, format: 1.6, content: 0.25 },
    { recipe: 'clips', ext: 'mp4', count: 60, bytes: 4e7, tail: 1.2, format: 2.5, content: 0.5 },
    { recipe: 'sound', ext: 'wav', count: 80, bytes: 2e7, tail: 0.7, format: 0.5, content: 0.2 },
  ],
  'an archive: 25 clips, one in ten a film': [
    { recipe: 'clips', ext: 'mov', count: 22, bytes: 6e7, tail: 0.8, format: 2.5, content: 0.5 },
    { recipe: 'clips', ext: 'mkv', count: 3, bytes: 1.5e9, tail: 0.4, format: 1.2, content: 0.3 },
    { recipe: 'pictures', ext: 'jpg', count: 500, bytes: 2e6, tail: 0.8, format: 1.6, content: 0.25 },
  ],
  'a morning: 30 changed photos, 1 clip': [
    { recipe: 'pictures', ext: 'jpg', count: 30, bytes: 3e6, tail: 0.9, format: 1.6, content: 0.25 },
    { recipe: 'clips', ext: 'mp4', count: 1, bytes: 5e7, tail: 0.5, format: 2.5, content: 0.4 },
  ],
};

const rows = Object.entries(nights).flatMap(([name, mix]) => [2, 8].map((workers) => synthetic(name, mix, workers)));
if (!options['no-real']) rows.push(...(await realNight()));
report();

function synthetic(name, mix, workers) {
  const drawn = Array.from({ length: nightsDrawn }, (_, seed) => {
    const random = generator(seed + 1);
    const history = [1, 2, 3].flatMap(() => draw(mix, random));
    const tonight = draw(mix, random);
    const learned = new CostModel(new CostModel().learn(history, recipes));
    return {
      learned: ratio(ours(tonight, learned, workers), tonight, workers),
      prior: ratio(ours(tonight, new CostModel(), workers), tonight, workers),
      equal: ratio(equalCounts(tonight, workers), tonight, workers),
    };
  });
  return row(`${name}, ${workers} workers`, drawn);
}

function draw(mix, random) {
  return mix.flatMap(({ recipe, ext, count, bytes, tail, format, content }) =>
    Array.from({ length: count }, (_, n) => {
      const size = Math.round(bytes * Math.exp(tail * normal(random)));
      const { recipe: wanted, kind } = recipes.get(recipe);
      const expected = Math.max(0.01, kind.priorSeconds(wanted.settings, size));
      const seconds = expected * format * Math.exp(content * normal(random));
      return { key: `${Math.floor(random() * 1e9)}-${n}.${ext}`, recipe, bytes: size, seconds };
    }),
  );
}

/** Seconds from the first item to the end of the last. */
function ours(items, model, workers) {
  const weighted = items.map((item) => {
    const predictedSeconds = model.predict(recipes.get(item.recipe), item.key, item.bytes);
    return { ...item, id: `${item.recipe} ${item.key}`, predictedSeconds };
  });
  const byId = new Map(weighted.map((item) => [item.id, item]));
  const partitions = balance(
    weighted.map(({ id, predictedSeconds }) => ({ id, seconds: predictedSeconds, priority: 0 })),
    { workers },
  );
  const handout = new Handout(
    partitions.map(({ id, items: ids }) => ({ id, load: () => ids.map((one) => byId.get(one)) })),
  );
  return simulate(workers, (place) => {
    return handout.take(place)?.item.seconds;
  });
}

function equalCounts(items, workers) {
  const sorted = items.toSorted((a, b) => (a.key < b.key ? -1 : 1));
  const sums = [];
  for (let at = 0; at < sorted.length; at += 10) sums.push(total(sorted.slice(at, at + 10)));
  return simulate(workers, () => sums.shift());
}

/** The place that is free first asks next; undefined: nothing is left for it. */
function simulate(workers, next) {
  const free = Array.from({ length: workers }, () => 0);
  const busy = new Set(free.keys());
  while (busy.size > 0) {
    const place = [...busy].reduce((a, b) => (free[b] < free[a] ? b : a));
    const seconds = next(place);
    if (seconds === undefined) busy.delete(place);
    else free[place] += seconds;
  }
  return Math.max(...free);
}

function ratio(makespan, items, workers) {
  return makespan / Math.max(total(items) / workers, ...items.map(({ seconds }) => seconds));
}

/** Pictures from postage stamps to 24 megapixels, clips of one to twenty seconds, sound: dear ones are few. */
async function realNight() {
  const scratch = mkdtempSync(path.join(tmpdir(), 'nightpress-skew-'));
  try {
    const media = path.join(scratch, 'media');
    mkdirSync(path.join(scratch, 'jobs'), { recursive: true });
    mkdirSync(media);
    const random = generator(7);
    for (let n = 0; n < 60; n++) {
      const width = Math.round(Math.min(6000, 300 * Math.exp(0.9 * Math.abs(normal(random)))));
      const noise = { type: 'gaussian', mean: 128, sigma: 20 + 40 * random() };
      const picture = { create: { width, height: Math.round(width * 0.66), channels: 3, background: '#888', noise } };
      await sharp(picture)
        .jpeg({ quality: 90 })
        .toFile(path.join(media, `p${n}.jpg`));
    }
    for (const [n, seconds] of [1, 1, 2, 2, 3, 4, 6, 9, 14, 20].entries()) {
      clip(path.join(media, `c${n}.mp4`), ['-f', 'lavfi', '-i', `testsrc2=duration=${seconds}:size=1280x720:rate=25`]);
      clip(path.join(media, `s${n}.wav`), ['-f', 'lavfi', '-i', `anoisesrc=d=${seconds * 5}`]);
    }
    writeFileSync(
      path.join(scratch, 'jobs', 'skew.ts'),
      `import { audio, defineJob, image, video } from 'nightpress';
export default defineJob({
  source: { type: 'directory', path: 'media' },
  window: { cron: '0 2 * * *', timezone: 'UTC', length: '4h' },
  recipes: {
    pictures: image({ match: '*.jpg', widths: [320, 640, 1280], formats: ['avif', 'webp', 'jpeg'] }),
    clips: video({ match: '*.mp4', heights: [720], poster: true }),
    sound: audio({ match: '*.wav', formats: ['aac'] }),
  },
  origin: { type: 'directory', path: 'public' },
});
`,
    );
    const first = await run(scratch, ['run']);
    const second = await run(scratch, ['retry', 'skew', '--item', '**', '--remake']);
    return [{ what: 'a real night: 60 pictures, 10 clips, 10 sounds, 2 workers', ...real(second, first) }];
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

function real(second, first) {
  const span = ({ items, makespan }) => ratio(makespan, items, 2);
  return { learned: span(second), prior: span(first), equal: ratio(equalCounts(second.items, 2), second.items, 2) };
}

function clip(file, input) {
  const { status, stderr } = spawnSync('ffmpeg', ['-v', 'error', ...input, file]);
  if (status !== 0) throw new Error(`ffmpeg could not make ${file}: ${stderr}`);
}

/** What the workers took, from the state of the job: item by item, and from the first start to the last end. */
async function run(folder, words) {
  const [verb, ...rest] = words;
  const child = spawn(process.execPath, [bin, verb, ...rest, '-j', '2', '--json', '--project', folder], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const code = await new Promise((resolve) => child.once('exit', resolve));
  if (code !== 0) throw new Error(`nightpress ${words.join(' ')} ended ${code}`);
  const db = new Database(path.join(folder, '.nightpress', 'skew', 'state.db'), { readonly: true });
  const attempts = db
    .prepare(
      `SELECT key, started_at AS startedAt, attempt.ended_at AS endedAt FROM attempt JOIN item
       ON item.run = attempt.run AND item.id = attempt.item
       WHERE attempt.run = (SELECT id FROM run ORDER BY ordinal DESC LIMIT 1)`,
    )
    .all();
  db.close();
  const items = attempts.map(({ key, startedAt, endedAt }) => ({ key, seconds: (endedAt - startedAt) / 1000 }));
  const starts = attempts.map(({ startedAt }) => startedAt);
  const ends = attempts.map(({ endedAt }) => endedAt);
  return { items, makespan: (Math.max(...ends) - Math.min(...starts)) / 1000 };
}

function total(items) {
  return items.reduce((sum, { seconds }) => sum + seconds, 0);
}

/** mulberry32: the same nights every time. */
function generator(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Box and Muller 1958. */
function normal(random) {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

function row(what, drawn) {
  const of = (pick) => drawn.map(pick).sort((a, b) => a - b);
  const [learned, prior, equal] = [of((d) => d.learned), of((d) => d.prior), of((d) => d.equal)];
  const middle = (values) => values[Math.floor(values.length / 2)];
  return {
    what,
    learned: middle(learned),
    prior: middle(prior),
    equal: middle(equal),
    worst: { learned: learned.at(-1), prior: prior.at(-1), equal: equal.at(-1) },
  };
}

function report() {
  const cell = (one, name) => `${one[name].toFixed(3)}${one.worst ? ` (${one.worst[name].toFixed(3)})` : ''}`;
  const verdict = ({ learned, prior }) => (learned <= 1.05 && prior <= 1.15 ? 'met' : 'missed');
  const lines = [
    '| night | with learned costs, target ≤ 1.05 | without history, target ≤ 1.15 | equal counts of ten | |',
    '|---|---|---|---|---|',
    ...rows.map(
      (one) =>
        `| ${one.what} | ${cell(one, 'learned')} | ${cell(one, 'prior')} | ${cell(one, 'equal')} | ${verdict(one)} |`,
    ),
  ];
  console.log(lines.join('\n'));
  if (options.write) {
    writeFileSync(
      path.join(root, 'docs', 'SKEW.md'),
      `# How long uneven nights take

Made by \`npm run bench:skew -- --write\`. Figures are makespan / max(total work / workers, longest item): 1 is the shortest that
any order of work can reach. Synthetic nights: median of ${nightsDrawn} drawn nights, in brackets the worst; the classes of a run in simulated
time, three earlier nights as history. Real night: what the workers of two real runs took, the first without history.

${lines.join('\n')}
`,
    );
  }
}
