import type { EdgeTable } from '../../src/cli/export/edge/table.js';
import { varnishFiles } from '../../src/cli/export/edge/varnish.js';
import { type RealServer, startServer } from './processes.js';

/** The system's Varnish with what `export edge varnish` writes, included by another VCL as people do; of several jobs, too. */
export async function startVarnish(...tables: readonly [EdgeTable, ...EdgeTable[]]): Promise<RealServer> {
  return await startServer((folder, port) => ({
    files: [
      ...tables.flatMap((table) =>
        varnishFiles(table).map(({ name, text }) => ({ name: `${table.job}-${name}`, text })),
      ),
      {
        name: 'main.vcl',
        text: `vcl 4.1;\n${tables.map(({ job }) => `include "${folder}/${job}-nightpress.vcl";\n`).join('')}sub vcl_recv { return (synth(418)); }\n`,
      },
    ],
    command: [
      ...(['varnishd', '-F', '-j', 'none', '-n', `${folder}/work`, '-a', `127.0.0.1:${port}`, '-T', 'none'] as const),
      ...['-f', `${folder}/main.vcl`, '-s', 'malloc,64m', '-p', 'thread_pools=1', '-p', 'thread_pool_min=10'],
      ...['-p', 'vsl_space=4M'],
    ],
  }));
}
