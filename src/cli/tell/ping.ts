import { setTimeout as delay } from 'node:timers/promises';
import { errno, Fault } from '../../domain/faults.js';
import { isWorthAnotherPing, type PingSignal, parsePingUrl, pingHost, pingUrl } from '../../domain/ping.js';

/** What healthchecks.io keeps of a body is 100 kB, others less; ours says what is to be done, not everything. */
const bodyLimit = 10_000;

export interface PingPatience {
  /** Each try may take so long. */
  readonly tryMs: number;
  /** Before each further try. */
  readonly pausesMs: readonly number[];
}

/** Together 33 s at most. */
const usualPatience: PingPatience = { tryMs: 10_000, pausesMs: [1000, 2000] };

export interface Ping {
  /** Once, in the background. */
  start(): void;
  /** Resolves when the switch heard it, or was tried for long enough. Comes after `start`, whatever that took. */
  end(exit: number, body: string): Promise<void>;
}

/** Tells a dead-man switch; what it cannot be told is a warning. Throws `usage` for what is no address, without telling it. */
export function openPing(text: string, warn: (line: string) => void, patience = usualPatience): Ping {
  const base = parsePingUrl(text);
  if (!base) throw new Fault('usage', '--ping-url: expected an http or https address without user and password');
  let said: Promise<void> | undefined;
  const say = async (signal: PingSignal, body: string) => {
    const trouble = await send(pingUrl(base, signal), cut(body), patience);
    if (trouble !== undefined) warn(`warning: ${pingHost(base)} was not told '${signal}': ${trouble}`);
  };
  return {
    start: () => {
      said ??= say('start', '');
    },
    end: async (exit, body) => {
      await said;
      await say(exit, body);
    },
  };
}

/** Undefined: it was heard. Never throws. */
async function send(url: URL, body: string, { tryMs, pausesMs }: PingPatience): Promise<string | undefined> {
  for (let tries = 0; ; tries++) {
    const { trouble, again } = await sendOnce(url, body, tryMs);
    const pauseMs = pausesMs[tries];
    if (trouble === undefined || !again || pauseMs === undefined) return trouble;
    await delay(pauseMs);
  }
}

async function sendOnce(
  url: URL,
  body: string,
  tryMs: number,
): Promise<{ readonly trouble?: string; readonly again: boolean }> {
  try {
    const headers = { 'content-type': 'text/plain; charset=utf-8' };
    const signal = AbortSignal.timeout(tryMs);
    const { ok, status, body: answer } = await fetch(url, { method: 'POST', headers, body, signal });
    await answer?.cancel();
    return ok ? { again: false } : { trouble: `it answered ${status}`, again: isWorthAnotherPing(status) };
  } catch (error) {
    return { trouble: reasonOf(error, tryMs), again: true };
  }
}

/** Not the message of the error: it may hold the address. */
function reasonOf(error: unknown, tryMs: number): string {
  if (error instanceof Error && error.name === 'TimeoutError') return `no answer within ${tryMs / 1000} s`;
  return errno(error instanceof Error ? error.cause : undefined) ?? 'it cannot be reached';
}

function cut(body: string): string {
  const bytes = Buffer.from(body);
  return bytes.length <= bodyLimit
    ? body
    : new TextDecoder().decode(bytes.subarray(0, bodyLimit - 4), { stream: true });
}
