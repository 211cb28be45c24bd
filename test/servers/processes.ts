import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';

export interface RealServer {
  readonly folder: string;
  readonly port: number;
  end(): Promise<void>;
}

export interface Start {
  readonly files: readonly { readonly name: string; readonly text: string }[];
  readonly command: readonly [string, ...string[]];
}

/** Starts a real server of this machine in a folder of its own, on loopback, and waits until it takes connections. */
export async function startServer(plan: (folder: string, port: number) => Start): Promise<RealServer> {
  const folder = await mkdtemp(path.join(tmpdir(), 'nightpress-server-'));
  const port = await freePort();
  const { files, command } = plan(folder, port);
  for (const { name, text } of files) await writeFile(path.join(folder, name), text);
  const removeFolder = () => rm(folder, { recursive: true, force: true });
  try {
    const { end } = await startDaemon(folder, command, () => connects(port));
    return { folder, port, end: () => end().finally(removeFolder) };
  } catch (error) {
    await removeFolder();
    throw error;
  }
}

export interface Daemon {
  end(): Promise<void>;
}

/** One process of a server; `isUp` is asked until it says so. A server of several tells what ends those that are slow to go. */
export async function startDaemon(
  folder: string,
  command: readonly [string, ...string[]],
  isUp: () => Promise<boolean>,
  ending: NodeJS.Signals = 'SIGTERM',
): Promise<Daemon> {
  const [program, ...words] = command;
  const child = spawn(program, words, { stdio: ['ignore', 'pipe', 'pipe'], cwd: folder });
  const said: string[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => said.push(String(chunk)));
  const atLast = () => void child.kill('SIGKILL');
  process.once('exit', atLast);
  const end = async () => {
    process.off('exit', atLast);
    await ended(child, ending);
  };
  try {
    await becomesUp(child, isUp);
  } catch (error) {
    await end();
    throw new Error(`${command.join(' ')} did not start: ${said.join('').slice(0, 4000)}`, { cause: error });
  }
  return { end };
}

async function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill(signal);
  await gone;
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const startWithinMs = 120_000; // a large VCL is compiled first

async function becomesUp(child: ChildProcess, isUp: () => Promise<boolean>): Promise<void> {
  const until = Date.now() + startWithinMs;
  let failure: unknown;
  child.once('error', (error) => {
    failure = error;
  });
  for (;;) {
    if (failure !== undefined) throw failure;
    if (child.exitCode !== null) throw new Error(`ended with exit code ${child.exitCode}`);
    if (await isUp()) return;
    if (Date.now() > until) throw new Error(`was not up within ${startWithinMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

export async function connects(port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
