/**
 * `npm run bench:upload [-- --quick] [--rounds N] [--write]`: how fast files come to a bucket, against `rclone copy` and
 * `aws s3 sync` at the same server, Ceph on this machine.
 *
 *   upload       what the coordinator does with finished outputs (`upload-alone.mjs`), in a process of its own, its start
 *                counted as that of the others is: every file put as a blob, then all of them asked for
 *   whole night  `nightpress run` with a copy recipe: scan, hashes, staging, workers, checks, upload, manifest and head
 *   the others   rclone as it is set and with eight transfers, aws as it is set (ten)
 *
 * Each contestant gets a bucket of its own, in every round another one begins, and every round has a fresh server: it keeps
 * all in memory, and deleted bytes for long. After each the bucket is listed: all is there with its size.
 */
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createJiti } from 'jiti';
import { median, timed } from './timed.mjs';

const { values: options } = parseArgs({
  options: { quick: { type: 'boolean' }, rounds: { type: 'string' }, write: { type: 'boolean' } },
});
const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.resolve(here, '../..');
const jiti = createJiti(import.meta.url);
const { startCeph } = await jiti.import('../servers/ceph.ts');
const { aBucket, storeEnvironment } = await jiti.import('../servers/store.ts');

const rounds = Number(options.rounds ?? (options.quick ? 1 : 5));
const target = 1;
const region = 'us-east-1';
const scratch = mkdtempSync(path.join(tmpdir(), 'nightpress-upload-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));

/** Nothing of what is set on this machine for one of them, such as proxies and certificates, may help or hinder. */
const env = {
  ...{ PATH: process.env.PATH, HOME: scratch, PYENV_ROOT: process.env.PYENV_ROOT, AWS_REGION: region },
  ...storeEnvironment,
  AWS_REQUEST_CHECKSUM_CALCULATION: 'when_required', // this server knows none of the newer ones
};

const ours = { upload: 'nightpress, upload', night: 'nightpress, whole night' };
const contestants = new Map([
  [ours.upload, uploadAlone],
  [ours.night, wholeNight],
  ['rclone copy', (work) => rclone(work)],
  ['rclone copy, 8 transfers', (work) => rclone(work, '--transfers', '8')],
  ['aws s3 sync', awsSync],
]);

const works = options.quick ? [many(200), large(3)] : [many(2000), large(12)];
const measured = [];
for (let round = 0; round < rounds; round++) for (const work of works) measured.push(...(await oneRound(work, round)));
await report();

function many(count) {
  return {
    ...files(`many-${count}`, count, (n) => 20_000 + Math.floor((80_000 * n) / count)),
    what: 'of 20 to 100 kB',
  };
}

function large(count) {
  return { ...files(`large-${count}`, count, () => 32 << 20), what: 'of 32 MiB' };
}

function files(name, count, bytesOf) {
  const folder = path.join(scratch, name);
  mkdirSync(folder);
  const outputs = Array.from({ length: count }, (_, n) => {
    const bytes = randomBytes(bytesOf(n));
    const file = `${n}.bin`;
    writeFileSync(path.join(folder, file), bytes);
    return { file, sha256: createHash('sha256').update(bytes).digest('hex'), ext: 'bin', bytes: bytes.length };
  });
  const names = path.join(scratch, `${name}.json`);
  writeFileSync(names, JSON.stringify(outputs));
  return { folder, names, count, sizes: outputs.map(({ bytes }) => bytes).sort((a, b) => a - b) };
}

async function oneRound(work, round) {
  const server = await startCeph();
  const order = [...contestants];
  const figures = [];
  for (const [who, command] of [...order.slice(round % order.length), ...order.slice(0, round % order.length)]) {
    const bucket = await aBucket(server);
    await bucket.put('warm', 'x');
    const { cpu, wall, status, stderr } = await timed(command({ ...work, bucket }), { env });
    if (status !== 0) throw new Error(`${who} ended ${status}: ${stderr}`);
    await check(who, work, bucket);
    console.error(`round ${round + 1}, ${work.count} files: ${who} took ${wall} s, CPU ${cpu.toFixed(2)} s`);
    figures.push({ work, who, cpu, wall });
  }
  await server.end();
  return figures;
}

async function check(who, work, bucket) {
  const objects = await bucket.objects('files/');
  const isOurs = Object.values(ours).includes(who);
  const stored = objects.filter(({ key }) => !isOurs || key.startsWith('files/b/')).map(({ bytes }) => bytes);
  if (`${stored.sort((a, b) => a - b)}` !== `${work.sizes}`)
    throw new Error(`${who} left ${stored.length} files of ${work.count}, or of other sizes`);
}

function originAt(bucket) {
  return { type: 's3', bucket: bucket.name, prefix: 'files', endpoint: bucket.endpoint, region, forcePathStyle: true };
}

function uploadAlone({ folder, names, bucket }) {
  const order = { config: originAt(bucket), outbox: folder, names, folder: mkdtempSync(path.join(scratch, 'state-')) };
  return [process.execPath, path.join(here, 'upload-alone.mjs'), JSON.stringify(order)];
}

function wholeNight({ folder, bucket }) {
  const project = mkdtempSync(path.join(scratch, 'project-'));
  mkdirSync(path.join(project, 'jobs'));
  writeFileSync(
    path.join(project, 'jobs', 'bench.ts'),
    `import { copy, defineJob } from 'nightpress';
export default defineJob({
  source: { type: 'directory', path: ${JSON.stringify(folder)} },
  window: { cron: '0 2 * * *', timezone: 'UTC', length: '4h' },
  recipes: { all: copy({ match: '**/*' }) },
  origin: ${JSON.stringify(originAt(bucket))},
});
`,
  );
  return [process.execPath, path.join(root, 'bin', 'nightpress.js'), 'run', 'bench', '--now', '--project', project];
}

/** Without looking whether the bucket is there, which ours does not do either. */
function rclone({ folder, bucket }, ...more) {
  const remote = `:s3,provider=Ceph,env_auth=true,force_path_style=true,region=${region},endpoint="${bucket.endpoint}":`;
  return ['rclone', 'copy', ...more, '--s3-no-check-bucket', folder, `${remote}${bucket.name}/files`];
}

function awsSync({ folder, bucket }) {
  const to = `s3://${bucket.name}/files`;
  return ['aws', '--endpoint-url', bucket.endpoint, 's3', 'sync', '--only-show-errors', folder, to];
}

async function report() {
  const lines = works.flatMap((work) => [...tableOf(work), '']);
  console.log(lines.join('\n'));
  if (!options.write) return;
  const versions = await Promise.all([
    version('rclone', 'version'),
    version('aws', '--version'),
    version('radosgw', '-v'),
  ]);
  const machine = `${cpus().length} processors (${cpus()[0]?.model}), Node ${process.versions.node}, ${new Date().toISOString().slice(0, 10)}`;
  writeFileSync(
    path.join(root, 'docs', 'UPLOAD.md'),
    `# How fast files come to a bucket

Made by \`npm run bench:upload -- --write\` on ${machine}:
medians of ${rounds} interleaved rounds at a Ceph gateway on the same machine, with everything in memory, each into a bucket of its own.
The server takes a good part of the processors, from all alike. ${versions.join('; ')}.

*upload* is what the coordinator of a night does with finished outputs, in a process of its own whose start is counted as that
of the others is: every file put as a blob, hashed on the way, then each asked for as before a commit. *whole night* is
\`nightpress run\` of a copy recipe, from the scan to the head. CPU is that of the client with its children. The target is for
the upload: at least as fast as the best of the others.

${lines.join('\n').trim()}
`,
  );
}

function tableOf(work) {
  const of = (who, pick) => median(measured.filter((one) => one.work === work && one.who === who).map(pick));
  const megabytes = work.sizes.reduce((sum, bytes) => sum + bytes, 0) / 1e6;
  const others = [...contestants.keys()].filter((who) => !Object.values(ours).includes(who));
  const best = Math.min(...others.map((who) => of(who, ({ wall }) => wall)));
  return [
    `| ${work.count.toLocaleString('en-US')} files ${work.what}, ${megabytes.toFixed(0)} MB | s | MB/s | CPU-s | best of the others / this (≥ ${target.toFixed(1)}) | |`,
    '|---|---|---|---|---|---|',
    ...[...contestants.keys()].map((who) => {
      const wall = of(who, (one) => one.wall);
      const verdict = who === ours.upload ? (best / wall >= target ? 'met' : 'missed') : '';
      const cpu = of(who, (one) => one.cpu);
      return `| ${who} | ${wall.toFixed(2)} | ${(megabytes / wall).toFixed(0)} | ${cpu.toFixed(2)} | ${(best / wall).toFixed(2)} | ${verdict} |`;
    }),
  ];
}

async function version(program, word) {
  const { stdout } = await timed([program, word], { env });
  return stdout.trim().split(/[\n(]/)[0].trim();
}
