import type { Emit, NightEvent } from '../../engine/events.js';
import type { Terminal } from '../terminal.js';
import { edgeText } from './edges.js';
import { count, duration, printable } from './units.js';

/**
 * What people see while a run works. On a terminal: one block, drawn again in place. Elsewhere: a line per change of
 * state and at least one a minute, never one per item. Quiet: nothing.
 */
export interface Progress {
  readonly emit: Emit;
  /** Takes the block off the screen. */
  close(): void;
}

const drawEveryMs = 200;
const lineEveryMs = 60_000;

interface Tally {
  total: number;
  ended: number;
  failed: number;
  remainingSeconds: number;
  phase: string;
  /** What cannot be reached, and until when it is waited for. */
  away: string;
  waitedMs: number;
  startedAt: number;
  spentMs: number;
  predictedDone: number;
  readonly running: Map<string, string>;
}

export function showProgress(terminal: Terminal, clock: () => number, workers: number): Progress {
  if (terminal.quiet) return { emit: () => undefined, close: () => undefined };
  const tally: Tally = {
    total: 0,
    ended: 0,
    failed: 0,
    remainingSeconds: 0,
    phase: 'starting',
    away: '',
    waitedMs: 0,
    startedAt: clock(),
    spentMs: 0,
    predictedDone: 0,
    running: new Map(),
  };
  const block = terminal.live ? liveBlock(terminal, tally, clock, workers) : undefined;
  const timer = block
    ? setInterval(block.draw, drawEveryMs)
    : setInterval(() => terminal.note(progressLine(tally, clock(), workers)), lineEveryMs);
  timer.unref();
  return {
    emit: (event) => {
      tallyUp(tally, event, clock());
      const line = lineFor(event, terminal.verbose);
      if (line !== undefined) {
        block?.clear();
        terminal.note(line);
      }
    },
    close: () => {
      clearInterval(timer);
      block?.clear();
    },
  };
}

function tallyUp(tally: Tally, event: NightEvent, now: number): void {
  switch (event.type) {
    case 'phase':
      tally.phase = event.phase;
      break;
    case 'waiting':
      tally.phase = `waiting for the close at ${event.label} ${event.zone}`;
      break;
    case 'away':
      tally.away = `, waiting for the ${event.what} until ${event.label} ${event.zone}`;
      break;
    case 'back':
      tally.away = '';
      tally.waitedMs += event.waitedMs;
      break;
    case 'planned':
      tally.total = event.items;
      tally.remainingSeconds = event.predictedSeconds;
      tally.startedAt = now;
      tally.waitedMs = 0;
      break;
    case 'resumed':
      tally.phase = 'working'; // a killed run stood there already, and enters it without a word
      tally.total = event.items;
      tally.remainingSeconds = event.predictedSeconds;
      tally.startedAt = now;
      tally.waitedMs = 0;
      break;
    case 'item-started':
      tally.running.set(event.item, event.key);
      break;
    case 'item-ended':
      tally.running.delete(event.item);
      tally.ended++;
      if (event.disposition === 'failed' || event.disposition === 'carried' || event.disposition === 'quarantined')
        tally.failed++;
      tally.remainingSeconds -= event.predictedSeconds;
      tally.predictedDone += event.predictedSeconds;
      tally.spentMs = now - tally.startedAt - tally.waitedMs;
      break;
    default:
      break;
  }
}

/** Predicted seconds are only proportions: what they are worth is measured as the night goes. */
function etaMs(tally: Tally, workers: number): number | undefined {
  if (tally.predictedDone <= 0 || tally.ended < workers) return undefined;
  return Math.max(0, (tally.remainingSeconds / tally.predictedDone) * tally.spentMs);
}

function progressLine(tally: Tally, now: number, workers: number): string {
  const eta = etaMs(tally, workers);
  const left = eta === undefined ? '' : `, about ${duration(eta)} left`;
  const failed = tally.failed > 0 ? `, ${count(tally.failed, 'item')} without fresh output` : '';
  return `${tally.phase}${tally.away}: ${tally.ended} of ${count(tally.total, 'item')} in ${duration(now - tally.startedAt)}${failed}${left}`;
}

function lineFor(event: NightEvent, verbose: boolean): string | undefined {
  switch (event.type) {
    case 'run':
      return `${event.resumed ? 'resuming' : 'starting'} run ${event.run} for window ${event.window.label}: ${event.because}`;
    case 'adopted':
      return `no local state: adopted ${count(event.assets, 'asset')} from the live snapshot ${event.snapshot.slice(0, 12)}`;
    case 'salvaged':
      return `the live manifest is damaged: ${count(event.assets, 'asset')} can still be read, all others are looked at again`;
    case 'reaped':
      return `ended process group ${event.pgid}, left by a dead run`;
    case 'scanned':
      return `scanned ${count(event.assets, 'asset')}`;
    case 'planned':
      return `planned ${count(event.items, 'item')} in ${count(event.partitions, 'partition')}; ${event.unchanged.toLocaleString('en-US')} unchanged`;
    case 'resumed':
      return `${count(event.items, 'item')} left of its plan, ${event.ended.toLocaleString('en-US')} ended before`;
    case 'attempt-failed':
      return verbose
        ? `attempt failed: ${printable(event.key)} (${event.recipe}): ${printable(event.detail)}`
        : undefined;
    case 'set-aside':
      return `${printable(event.key)} (${event.recipe}) ended two workers: tried once more when nothing else is in work`;
    case 'item-ended':
      return verbose
        ? `${event.disposition}: ${printable(event.key)} (${event.recipe}) in ${duration(event.elapsedMs)}`
        : undefined;
    case 'phase':
      return event.phase === 'validating' || event.phase === 'publishing' ? event.phase : undefined;
    case 'waiting':
      return `all is done: waiting for the close at ${event.label} ${event.zone} to publish`;
    case 'away':
      return `the ${event.what} is away, trying again until ${event.label} ${event.zone}: ${printable(event.message)}`;
    case 'back':
      return `the ${event.what} is back after ${duration(event.waitedMs)}`;
    case 'held':
      return `held by ${event.rules.join(', ')}`;
    case 'rebased':
      return `another publisher came first: putting this run's changes on top (attempt ${event.attempt})`;
    case 'at-risk': {
      const late = duration(event.expectedAt - event.deadline);
      const share = Math.round(event.leftShare * 100);
      return `at risk: at this pace the night is through ${late} after its deadline, ${share} % of what is left would wait for the next`;
    }
    case 'head-moved':
      return `${event.channel} is now snapshot ${event.snapshot.slice(0, 12)}, seq ${event.seq}`;
    case 'edge':
      return `edge ${event.name}: ${printable(edgeText(event))}`;
    case 'collected':
      return `collected ${count(event.objects, 'object')} that no snapshot needs`;
    case 'stopping':
      return `${event.signal}: handing out nothing more; items in flight have ${duration(event.graceMs)} (again to kill them)`;
    default:
      return undefined;
  }
}

interface Block {
  draw(): void;
  clear(): void;
}

/** A line that is wider than it is long (写真.jpg), or than the window has become, must stay one line. */
const noWrap = '\u001b[?7l';
const wrap = '\u001b[?7h';

function liveBlock(terminal: Terminal, tally: Tally, clock: () => number, workers: number): Block {
  let lines = 0;
  const clear = () => {
    // From the first column: the terminal may have put the `^C` that somebody typed where the cursor waits.
    if (lines > 0) terminal.draw(`\r\u001b[${lines}A\u001b[0J`);
    lines = 0;
  };
  return {
    clear,
    draw: () => {
      const text = blockLines(terminal, tally, clock(), workers);
      clear();
      terminal.draw(`${noWrap}${text.join('\n')}\n${wrap}`);
      lines = text.length;
    },
  };
}

function blockLines(terminal: Terminal, tally: Tally, now: number, workers: number): readonly string[] {
  const cut = (line: string) => (line.length >= terminal.columns ? `${line.slice(0, terminal.columns - 2)}…` : line);
  const width = Math.max(10, Math.min(40, terminal.columns - 60));
  const share = tally.total === 0 ? 0 : tally.ended / tally.total;
  const bar = `${'█'.repeat(Math.round(share * width))}${'░'.repeat(width - Math.round(share * width))}`;
  const running = [...tally.running.values()].slice(0, workers).map((key) => cut(`  ${printable(key)}`));
  return [cut(`${bar} ${progressLine(tally, now, workers)}`), ...running];
}
