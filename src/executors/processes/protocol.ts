import type { Readable, Writable } from 'node:stream';
import type { WorkOrder, WorkResult } from '../../processors/contract.js';

/**
 * What coordinator and worker say to each other: one JSON object a line, over a socket that the worker finds as file
 * descriptor 3.
 *
 *   worker       ready                                 once, when it can take orders
 *   coordinator  order                                 one at a time
 *   worker       progress, any number of times, then exactly one of result and threw
 *
 * The end of the stream tells the worker that its coordinator is gone. Rejected: the IPC channel of `child_process`. It
 * parses inside the event loop, so one malformed line from a worker that a hostile file has damaged throws where nobody
 * can catch it, and ends the coordinator.
 */
export type ToWorker = { readonly kind: 'order'; readonly order: WorkOrder };

export type Answer =
  | { readonly kind: 'result'; readonly result: WorkResult }
  | {
      readonly kind: 'threw';
      readonly message: string;
      /** System error code: tells a failing disk from a bug. */
      readonly code?: string;
      readonly stack?: string;
    };

export type FromWorker = { readonly kind: 'ready' } | { readonly kind: 'progress'; readonly share: number } | Answer;

export const channelFd = 3;

/** An order or a result is a few kilobytes; whoever sends this much without an end of line is broken. */
const longestLine = 1 << 20;

export function send(channel: Writable, message: ToWorker | FromWorker): void {
  channel.write(`${JSON.stringify(message)}\n`);
}

/** `undefined` is what a line was that is not JSON, or a line without end. */
export function receive(channel: Readable, hear: (message: unknown) => void): void {
  let pending = '';
  channel.setEncoding('utf8');
  channel.on('data', (text: string) => {
    const lines = (pending + text).split('\n');
    pending = lines.pop() ?? '';
    for (const line of lines) hear(parsed(line));
    if (pending.length <= longestLine) return;
    pending = '';
    hear(undefined);
  });
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined; // the listener decides what a line without meaning says about its sender
  }
}
