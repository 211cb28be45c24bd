/**
 * `setup.mjs [GROUP …]`: the servers that `npm run test:servers` starts, or the groups named: those of a benchmark. Installs
 * what is missing where that needs no question (root on Debian), otherwise prints the exact command and ends with 69.
 */
import { spawnSync } from 'node:child_process';

const groups = {
  web: [
    { program: 'nginx', version: ['-v'], package: 'nginx-light' },
    { program: 'varnishd', version: ['-V'], package: 'varnish' },
    // A file that nginx loads, and no program.
    {
      program: 'test',
      version: ['-f', '/usr/lib/nginx/modules/ngx_http_cache_purge_module.so'],
      package: 'libnginx-mod-http-cache-purge',
    },
  ],
  ceph: [
    { program: 'ceph-mon', version: ['--version'], package: 'ceph-mon' },
    { program: 'ceph-osd', version: ['--version'], package: 'ceph-osd' },
    { program: 'radosgw', version: ['--version'], package: 'radosgw' },
  ],
  swift: [
    { program: 'memcached', version: ['-V'], package: 'memcached' },
    // Programs that only start what they are told to, and say no version.
    ...['proxy', 'account', 'container', 'object'].map((name) => ({
      program: 'test',
      version: ['-x', `/usr/bin/swift-${name}-server`],
      package: `swift-${name}`,
    })),
  ],
  // What uploads are compared with.
  uploaders: [
    { program: 'rclone', version: ['version'], package: 'rclone' },
    { program: 'aws', version: ['--version'], package: 'awscli' },
  ],
};

const [, , ...words] = process.argv;
const wanted = words.length > 0 ? words : ['web', 'ceph', 'swift'];
const needed = wanted.flatMap((group) => groups[group] ?? stop(`no group '${group}': expected ${Object.keys(groups)}`));
const isMissing = ({ program, version }) => spawnSync(program, version, { stdio: 'ignore' }).status !== 0;
const missing = needed.filter(isMissing);
if (missing.length > 0) install(missing.map((one) => one.package));

function install(packages) {
  // No service is started by the installation: the tests start their own, on loopback.
  const command = `apt-get update && apt-get install -y --no-install-recommends ${packages.join(' ')}`;
  const hasApt = spawnSync('apt-get', ['--version'], { stdio: 'ignore' }).status === 0;
  if (!hasApt || process.getuid?.() !== 0) {
    const names = missing.map((one) => one.package).join(', ');
    stop(`${names} missing; on Debian run this, then try again: sudo sh -c '${command}'`);
  }
  process.stderr.write(`setup: installing ${packages.join(', ')}\n`);
  const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  const { status } = spawnSync('sh', ['-c', command], { stdio: ['ignore', 2, 2], env: environment });
  const still = missing.filter(isMissing).map((one) => one.package);
  if (status !== 0 || still.length > 0) stop(`'${command}' failed (exit ${status}); mend that and try again`);
}

function stop(line) {
  process.stderr.write(`setup: ${line}\n`);
  process.exit(69);
}
