import { request } from 'node:http';
import type { Answered } from './edge-suite.js';

/** A request as it is written, without the tidying that `fetch` does to paths. */
export async function askHttp(
  port: number,
  path: string,
  headers: Readonly<Record<string, string>> = {},
  method = 'GET',
): Promise<Answered> {
  return await new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, path, headers, method, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const body = Buffer.concat(chunks).toString();
        resolve({ status: response.statusCode ?? 0, body, headers: response.headers as Answered['headers'] });
      });
    });
    asked.on('error', reject).end();
  });
}
