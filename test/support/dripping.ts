import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Dripping {
  readonly endpoint: string;
  close(): Promise<void>;
}

/** A bucket with one object `a.txt` of a megabyte, which comes byte by byte and would take hours. */
export async function startDripping(): Promise<Dripping> {
  const row = '<Contents><Key>a.txt</Key><Size>1000000</Size><ETag>"e"</ETag></Contents>';
  const list = `<ListBucketResult><IsTruncated>false</IsTruncated>${row}</ListBucketResult>`;
  const server = createServer(({ url }, response) => {
    if (url?.includes('list-type')) return void response.setHeader('content-type', 'application/xml').end(list);
    response.writeHead(200, { 'content-length': 1_000_000, etag: '"e"' });
    const drops = setInterval(() => response.write('x'), 20);
    response.on('close', () => clearInterval(drops));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
