import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { connects, type Daemon, freePort, type RealServer, startDaemon } from './processes.js';
import { ringsScript, type SwiftPart, swiftFiles } from './swift-files.js';

const python = '/usr/bin/python3'; // for which Debian's packages are
const names: readonly SwiftPart[] = ['account', 'container', 'object'];

/** The system's OpenStack Swift with its s3api, on one folder: a store that refuses conditions of writes. */
export async function startSwift(): Promise<RealServer> {
  const folder = await mkdtemp(path.join(tmpdir(), 'nightpress-swift-'));
  const daemons: Daemon[] = [];
  const end = async () => {
    for (const daemon of daemons.splice(0).reverse()) await daemon.end();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const port = await startDaemons(folder, daemons);
    return { folder, port, end };
  } catch (error) {
    await end();
    throw error;
  }
}

async function startDaemons(folder: string, daemons: Daemon[]): Promise<number> {
  const [port, memory] = [await freePort(), await freePort()];
  const parts = await Promise.all(names.map(async (name) => ({ name, port: await freePort() })));
  await mkdir(path.join(folder, 'devices', 'disk'), { recursive: true });
  await mkdir(path.join(folder, 'cache'));
  for (const { name, text } of swiftFiles({ folder, port, memory, parts }))
    await writeFile(path.join(folder, name), text);
  const rings = parts.flatMap((part) => [part.name, String(part.port)]);
  await promisify(execFile)(python, ['-c', ringsScript, folder, ...rings], { cwd: folder, timeout: 60_000 });

  const start = async (command: readonly [string, ...string[]], where: number) =>
    void daemons.push(await startDaemon(folder, command, () => connects(where)));
  const swift = (name: string, where: number) =>
    start([python, `/usr/bin/swift-${name}-server`, path.join(folder, `${name}-server.conf`)], where);
  const who = process.getuid?.() === 0 ? ['-u', 'root'] : [];
  await start(['memcached', '-l', '127.0.0.1', '-p', String(memory), '-m', '16', ...who], memory);
  await Promise.all([...parts.map((part) => swift(part.name, part.port)), swift('proxy', port)]);
  return port;
}
