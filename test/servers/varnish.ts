import type { EdgeTable } from '../../src/cli/export/edge/table.js';
import { varnishFiles } from '../../src/cli/export/edge/varnish.js';
import { type RealServer, startServer } from './processes.js';

/** The system's Varnish with what `export edge varnish` writes, included by another VCL as people do. */
export async function startVarnish(table: EdgeTable): Promise<RealServer> {
  return await startServer((folder, port) => ({
    files: [
      ...varnishFiles(table),
      {
        name: 'main.vcl',
        text: `vcl 4.1;\ninclude "${folder}/nightpress.vcl";\nsub vcl_recv { return (synth(418)); }\n`,
      },
    ],
    command: [
      ...(['varnishd', '-F', '-j', 'none', '-n', `${folder}/work`, '-a', `127.0.0.1:${port}`, '-T', 'none'] as const),
      ...['-f', `${folder}/main.vcl`, '-s', 'malloc,64m', '-p', 'thread_pools=1', '-p', 'thread_pool_min=10'],
      ...['-p', 'vsl_space=4M'],
    ],
  }));
}
