import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Recorded {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** What the server does with one call; it may answer later or never. */
export type Play = (answer: ServerResponse, call: Recorded) => void;

/** An HTTP server on the loopback that writes down every call, and plays for each what was laid out for it. */
export interface Recorder {
  readonly base: string;
  readonly calls: readonly Recorded[];
  /** For the next calls, one each; then the usual one again. */
  play(...next: readonly Play[]): void;
  usually(play: Play): void;
  close(): Promise<void>;
}

export function says(status: number, body = '', headers: Readonly<Record<string, string>> = {}): Play {
  return (answer) => answer.writeHead(status, headers).end(body);
}

export const hangs: Play = () => undefined;
export const resets: Play = (answer) => void answer.socket?.resetAndDestroy();

export async function aRecorder(usual: Play = says(200)): Promise<Recorder> {
  const calls: Recorded[] = [];
  const queue: Play[] = [];
  let play = usual;
  const server = createServer((request, answer) => {
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => {
      body += chunk;
    });
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      const call = { method, url, headers, body };
      calls.push(call);
      (queue.shift() ?? play)(answer, call);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    base: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    play: (...next) => void queue.push(...next),
    usually: (next) => {
      play = next;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
