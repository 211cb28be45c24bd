import { nginxFiles } from '../../src/cli/export/edge/nginx.js';
import type { EdgeTable } from '../../src/cli/export/edge/table.js';
import { type RealServer, startServer } from './processes.js';

/** The system's nginx with what `export edge nginx` writes. */
export async function startNginx(table: EdgeTable): Promise<RealServer> {
  return await startServer((folder, port) => ({
    files: [...nginxFiles(table), { name: 'nginx.conf', text: mainConf(port) }],
    command: ['nginx', '-p', folder, '-e', 'stderr', '-c', `${folder}/nginx.conf`],
  }));
}

function mainConf(port: number): string {
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `  ${name}_temp_path tmp_${name};`);
  return `daemon off; worker_processes 1; pid run.pid; error_log stderr warn;
events { worker_connections 256; }
http {
  access_log off;
${paths.join('\n')}
  include nightpress-maps.conf;
  server {
    listen 127.0.0.1:${port};
    include nightpress-location.conf;
  }
}
`;
}
