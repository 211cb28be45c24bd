import { nginxFiles } from '../../src/cli/export/edge/nginx.js';
import type { EdgeTable } from '../../src/cli/export/edge/table.js';
import { type RealServer, startServer } from './processes.js';

/** The system's nginx with what `export edge nginx` writes for one job, or for several: each has its own names of files here. */
export async function startNginx(...tables: readonly [EdgeTable, ...EdgeTable[]]): Promise<RealServer> {
  const files = tables.flatMap((table) =>
    nginxFiles(table).map(({ name, text }) => ({ name: `${table.job}-${name}`, text })),
  );
  const jobs = tables.map(({ job }) => job);
  return await startServer((folder, port) => ({
    files: [...files, { name: 'nginx.conf', text: mainConf(port, jobs) }],
    command: ['nginx', '-p', folder, '-e', 'stderr', '-c', `${folder}/nginx.conf`],
  }));
}

/** With a server of its own; what it says of types stands beside the usual ones. */
export async function startNginxWith(text: string): Promise<RealServer> {
  return await startServer((folder, port) => ({
    files: [
      {
        name: 'nginx.conf',
        text: httpConf(`${usualTypes}${text.replace('server {', `server {\n  listen 127.0.0.1:${port};`)}`),
      },
    ],
    command: ['nginx', '-p', folder, '-e', 'stderr', '-c', `${folder}/nginx.conf`],
  }));
}

const usualTypes = 'types { text/plain txt; image/jpeg jpg; application/json json; }\n';

function mainConf(port: number, jobs: readonly string[]): string {
  return httpConf(`  include ${jobs[0]}-nightpress-hash.conf;
${include(jobs, 'maps')}
  server {
    listen 127.0.0.1:${port};
${include(jobs, 'location')}
  }`);
}

function httpConf(text: string): string {
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `  ${name}_temp_path tmp_${name};`);
  return `daemon off; worker_processes 1; pid run.pid; error_log stderr warn;
events { worker_connections 256; }
http {
  access_log off;
${paths.join('\n')}
${text}
}
`;
}

function include(jobs: readonly string[], what: string): string {
  return jobs.map((job) => `  include ${job}-nightpress-${what}.conf;`).join('\n');
}
