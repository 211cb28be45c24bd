import { Socket } from 'node:net';
import { errno } from '../domain/faults.js';
import { channelFd, type FromWorker, receive, send, type ToWorker } from '../executors/processes/protocol.js';
import type { Processor, Sniffed, WorkOrder } from '../processors/contract.js';

/** What a worker works with. */
export interface Workplace {
  readonly processors: Readonly<Record<string, () => Promise<Processor>>>;
  sniff(file: string): Promise<Sniffed>;
}

/** Takes orders, one at a time, until the coordinator is gone; then ends itself and every tool it started. */
export function serveOrders(place: Workplace): void {
  const channel = new Socket({ fd: channelFd });
  for (const sign of ['end', 'error', 'close']) channel.on(sign, endOwnGroup);
  receive(channel, (message) => {
    // The coordinator sends nothing else; it is our own program.
    const { order } = message as ToWorker;
    void answer(place, order, (said) => send(channel, said));
  });
  send(channel, { kind: 'ready' });
}

async function answer(place: Workplace, order: WorkOrder, say: (message: FromWorker) => void): Promise<void> {
  // Tools that need room beside their output find it where the order's limits hold and where nothing is left behind.
  process.env.TMPDIR = order.outbox;
  try {
    say({ kind: 'result', result: await work(place, order, say) });
  } catch (error) {
    say(threw(error));
  }
}

async function work({ processors, sniff }: Workplace, order: WorkOrder, say: (message: FromWorker) => void) {
  const load = processors[order.kind];
  if (!load) throw new Error(`no processor '${order.kind}', expected one of ${Object.keys(processors).join(', ')}`);
  const [processor, sniffed] = await Promise.all([load(), sniff(order.input.file)]);
  // Nothing aborts it: whoever wants an attempt to end kills the group.
  const { signal } = new AbortController();
  return await processor.work(order, { sniffed, signal, progress: percentSteps(say) });
}

/** At most a hundred messages an order, however often the work calls. */
function percentSteps(say: (message: FromWorker) => void): (share: number) => void {
  let last = 0;
  return (share) => {
    const percent = Math.floor(Math.min(1, Math.max(0, share)) * 100);
    if (percent > last) say({ kind: 'progress', share: percent / 100 });
    last = Math.max(last, percent);
  };
}

const stackLength = 4096;

function threw(error: unknown): FromWorker {
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  const line = message.split('\n', 1)[0] ?? '';
  return { kind: 'threw', message: line, code: errno(error), stack: stack?.slice(0, stackLength) };
}

/** A group with our number can only be our own: the kernel gives a number that a group bears to nobody else. */
function endOwnGroup(): void {
  try {
    process.kill(-process.pid, 'SIGKILL');
  } catch {
    process.exit(1); // started by hand, in somebody else's group
  }
}
