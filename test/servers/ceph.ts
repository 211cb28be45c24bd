import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { cephConf } from './ceph-conf.js';
import { type Daemon, freePort, type RealServer, startDaemon } from './processes.js';
import { storeCredentials } from './store.js';

const run = promisify(execFile);
const yes = () => true;
const no = () => false;

/**
 * The system's Ceph: one monitor, one object store in memory, one S3 gateway. Ended by SIGKILL, because gateway and monitor
 * take seconds to go and there is nothing to save.
 */
export async function startCeph(): Promise<RealServer> {
  const folder = await mkdtemp(path.join(tmpdir(), 'nightpress-ceph-'));
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
  const [port, monitor] = [await freePort(), await freePort()];
  const [cluster, store] = [randomUUID(), randomUUID()];
  for (const name of ['mon', 'osd', 'run', 'log']) await mkdir(path.join(folder, name));
  await writeFile(path.join(folder, 'ceph.conf'), cephConf({ folder, cluster, port, monitor }));
  const conf = ['-c', path.join(folder, 'ceph.conf')];
  const once = (program: string, ...words: readonly string[]) => run(program, words, { cwd: folder, timeout: 60_000 });
  const ceph = (...words: readonly string[]) => once('ceph', ...conf, '--connect-timeout', '10', ...words);
  const start = async (command: readonly [string, ...string[]], isUp: () => Promise<boolean>) =>
    void daemons.push(await startDaemon(folder, [command[0], ...conf, ...command.slice(1), '-f'], isUp, 'SIGKILL'));

  const addresses = `[v1:127.0.0.1:${monitor}/0]`;
  await once('monmaptool', '--create', '--clobber', '--fsid', cluster, '--addv', 'a', addresses, 'monmap');
  await once('ceph-mon', ...conf, '--mkfs', '-i', 'a', '--monmap', 'monmap');
  // It takes connections before it has a quorum, and until then refuses whatever it is asked.
  await start(['ceph-mon', '-i', 'a'], () => ceph('mon', 'stat').then(yes, no));
  await ceph('osd', 'new', store);
  await ceph('osd', 'crush', 'add', 'osd.0', '1', 'root=default', 'host=localhost');
  await once('ceph-osd', ...conf, '-i', '0', '--mkfs', '--osd-uuid', store);
  await start(['ceph-osd', '-i', '0'], () => ceph('osd', 'stat').then(({ stdout }) => stdout.includes('1 up'), no));
  const { accessKeyId, secretAccessKey } = storeCredentials;
  const keys = [`--access-key=${accessKeyId}`, `--secret=${secretAccessKey}`];
  await once('radosgw-admin', ...conf, 'user', 'create', '--uid=test', '--display-name=test', ...keys);
  await start(['radosgw', '-n', 'client.rgw'], () => fetch(`http://127.0.0.1:${port}/`).then(yes, no));
  return port;
}
