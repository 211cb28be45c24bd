import type { AddressInfo } from 'node:net';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** What the way does to one request. */
export type Cut =
  /** The client's connection is reset; nothing of the request gets through. */
  | { readonly kind: 'reset' }
  /** The request gets through; with the first byte of the answer the client's connection is reset. */
  | { readonly kind: 'cut-answer' }
  /** The client's connection is reset at once; the request gets through when `until` resolves. */
  | { readonly kind: 'late'; readonly until: Promise<unknown> }
  /** The answer waits for `until`. */
  | { readonly kind: 'slow'; readonly until: Promise<unknown> }
  /** `strike` is called before anything of the request gets through, or when its answer comes; then both connections are cut. */
  | { readonly kind: 'strike'; readonly at: 'request' | 'answer'; readonly strike: () => void };

/**
 * A way to a server that can break: a TCP proxy on a random port of the loopback device. It knows of HTTP only that a
 * request begins with a line such as `PUT /media/head.json…`, in whatever packet of a connection.
 */
export class Cutter {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #cuts: { readonly request: RegExp; readonly cut: Cut; left: number }[] = [];
  readonly #port: number;
  /** Cuts that were made. */
  made = 0;
  /** First lines of all requests, such as `PUT /media/head.json`, in order. */
  readonly asked: string[] = [];

  constructor(port: number) {
    this.#port = port;
    this.#server = createServer((client) => this.#forward(client));
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return this;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** The next request whose first line matches, or the `nth` of them. */
  next(request: RegExp, cut: Cut, nth = 1): void {
    this.#cuts.push({ request, cut, left: nth });
  }

  /** What was not yet met does no harm any more. */
  forget(): void {
    this.#cuts.length = 0;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #forward(client: Socket): void {
    const server = connect(this.#port, '127.0.0.1');
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(one);
      one.on('error', () => other.destroy());
      one.on('close', () => this.#sockets.delete(one));
    }
    let cut: Cut | undefined;
    client.on('data', (bytes) => {
      cut = this.#cutFor(bytes) ?? cut;
      if (cut?.kind === 'strike' && cut.at === 'request') cut.strike();
      if (cut?.kind === 'reset' || (cut?.kind === 'strike' && cut.at === 'request')) {
        client.resetAndDestroy();
        server.destroy();
      } else if (cut?.kind === 'late') {
        client.resetAndDestroy();
        void cut.until.then(() => server.write(bytes));
      } else server.write(bytes);
    });
    server.on('data', (bytes) => {
      if (cut?.kind === 'strike' && isFinal(bytes)) {
        cut.strike();
        cut = undefined;
        client.resetAndDestroy();
        server.destroy();
      } else if (cut?.kind === 'cut-answer') client.resetAndDestroy();
      else if (cut?.kind === 'slow') void cut.until.then(() => client.write(bytes));
      else if (!client.destroyed) client.write(bytes);
    });
    client.on('end', () => server.end());
    server.on('end', () => client.end());
  }

  #cutFor(bytes: Buffer): Cut | undefined {
    const line = /^[A-Z]+ \S+ HTTP/.exec(bytes.subarray(0, 4096).toString('latin1'))?.[0];
    if (line === undefined) return undefined;
    this.asked.push(line.replace(/ HTTP$/, ''));
    const at = this.#cuts.findIndex((one) => one.request.test(line) && --one.left === 0);
    if (at < 0) return undefined;
    this.made++;
    return this.#cuts.splice(at, 1)[0]?.cut;
  }
}

/** `100 Continue` only asks for the rest of the request. */
function isFinal(answer: Buffer): boolean {
  return !/^HTTP\/1\.1 100 [^\r]*\r\n\r\n$/.test(answer.toString('latin1'));
}

export async function startCutter(port: number): Promise<Cutter> {
  return await new Cutter(port).start();
}
