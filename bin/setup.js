#!/usr/bin/env node
/**
 * Makes a fresh clone ready: dependencies, build, ffmpeg. Node built-ins only, because it runs before anything is
 * installed. Does nothing, quickly, when all is there. `npm start` and `npm test` call it first.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const oldestNode = [20, 9];

function say(line) {
  process.stderr.write(`setup: ${line}\n`);
}

function stop(line) {
  say(line);
  process.exit(69);
}

function run(command, args) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: ['ignore', 2, 2] });
  if (error || status !== 0)
    stop(`'${[command, ...args].join(' ')}' failed (${error?.message ?? `exit ${status}`}); mend that and try again`);
}

function works(command, args) {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}

function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const enough = major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1]);
  if (!enough) stop(`Node ${process.versions.node} is too old: expected ${oldestNode.join('.')} or newer`);
}

/** Files below `folders` and their bytes, as one digest: times say nothing after a checkout. */
function digestOf(names) {
  const hash = createHash('sha256').update(process.versions.modules);
  const add = (name) => {
    const file = path.join(root, name);
    if (!existsSync(file)) return;
    if (statSync(file).isDirectory()) for (const inner of readdirSync(file).sort()) add(path.join(name, inner));
    else hash.update(name).update(readFileSync(file));
  };
  for (const name of names) add(name);
  return hash.digest('hex');
}

/** Runs `make` unless it succeeded before on the same inputs and what it made is still there. */
function once(stampFile, inputs, product, make) {
  const digest = digestOf(inputs);
  const stamp = path.join(root, stampFile);
  const fresh = existsSync(path.join(root, product)) && existsSync(stamp) && readFileSync(stamp, 'utf8') === digest;
  if (fresh) return;
  make();
  mkdirSync(path.dirname(stamp), { recursive: true });
  writeFileSync(stamp, digest);
}

function installDependencies() {
  once(
    'node_modules/.nightpress-installed',
    ['package-lock.json'],
    'node_modules/better-sqlite3/build/Release/better_sqlite3.node',
    () => {
      say('installing dependencies (npm ci); better-sqlite3 is compiled here, which takes a minute');
      run('npm', ['ci', '--no-audit', '--no-fund']);
    },
  );
}

function build() {
  once(
    'dist/.nightpress-built',
    ['src', 'bin/bundle.js', 'tsconfig.json', 'package-lock.json'],
    'dist/bundle/cli.js',
    () => {
      say('building');
      run('npm', ['run', '--silent', 'build']);
    },
  );
}

/** The system's ffmpeg: installed where that needs no question, otherwise the exact command is printed. */
function installFfmpeg() {
  const ffmpeg = process.env.NIGHTPRESS_FFMPEG ?? 'ffmpeg';
  const ffprobe = process.env.NIGHTPRESS_FFPROBE ?? 'ffprobe';
  if (works(ffmpeg, ['-version']) && works(ffprobe, ['-version'])) return;
  if (process.platform === 'darwin') {
    if (!works('brew', ['--version'])) stop('ffmpeg is missing; install Homebrew, then: brew install ffmpeg');
    say('installing ffmpeg (brew install ffmpeg)');
    return run('brew', ['install', 'ffmpeg']);
  }
  const command = installCommand();
  if (process.getuid?.() !== 0) stop(`ffmpeg is missing; run this, then try again: sudo sh -c '${command}'`);
  say(`installing ffmpeg (${command})`);
  run('sh', ['-c', command]);
}

function installCommand() {
  if (works('apt-get', ['--version'])) return 'apt-get update && apt-get install -y --no-install-recommends ffmpeg';
  if (works('dnf', ['--version'])) return 'dnf install -y ffmpeg';
  if (works('apk', ['--version'])) return 'apk add ffmpeg';
  return stop(
    'ffmpeg is missing and no known package manager is here; install ffmpeg with libx264, aac, libmp3lame and libopus',
  );
}

checkNode();
installDependencies();
build();
installFfmpeg();
