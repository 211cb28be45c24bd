import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { showProgress } from '../../src/cli/render/progress.js';
import type { Terminal } from '../../src/cli/terminal.js';
import type { NightEvent } from '../../src/engine/events.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** As much of a terminal as the block needs. Cells, so that a wide character takes two of them. */
class Screen {
  lines: string[] = [''];
  private row = 0;
  private column = 0;
  private wraps = true;

  constructor(readonly columns: number) {}

  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is to be understood
  static readonly part = /\u001b\[\??(\d*)([A-Za-z])|[\s\S]/gu;

  write(text: string): void {
    for (const [whole, count, letter] of text.matchAll(Screen.part)) {
      if (letter === 'A') this.row -= Number(count);
      else if (letter === 'J') this.cut();
      else if (letter === 'l' || letter === 'h') this.wraps = letter === 'h';
      else if (whole === '\r') this.column = 0;
      else if (whole === '\n') this.next();
      else this.put(whole);
    }
  }

  get text(): readonly string[] {
    return this.lines.map((line) => line.trimEnd()).filter((line) => line !== '');
  }

  private put(character: string): void {
    const cells = /\p{Script=Han}/u.test(character) ? `${character}\u200b` : character;
    if (this.column + cells.length > this.columns) {
      if (!this.wraps) return;
      this.next();
    }
    const line = (this.lines[this.row] ?? '').padEnd(this.column);
    this.lines[this.row] = line.slice(0, this.column) + cells + line.slice(this.column + cells.length);
    this.column += cells.length;
  }

  private next(): void {
    this.row++;
    this.column = 0;
    this.lines[this.row] ??= '';
  }

  private cut(): void {
    this.lines[this.row] = (this.lines[this.row] ?? '').slice(0, this.column);
    this.lines.length = this.row + 1;
  }
}

function shownOn(screen: Screen, clock = () => 0) {
  const write = (text: string) => screen.write(text);
  const terminal: Terminal = {
    begin: () => undefined,
    out: () => undefined,
    note: (line) => write(`${line}\n`),
    draw: write,
    live: true,
    columns: screen.columns,
    quiet: false,
    verbose: false,
    paint: (_, text) => text,
  };
  return showProgress(terminal, clock, 2);
}

const started = (key: string) =>
  ({ type: 'item-started', item: key, key, recipe: 'all', attempt: 1 }) as unknown as NightEvent;

test('the block is taken off whole, also where the terminal showed the ^C that stopped the run', () => {
  const screen = new Screen(120);
  const { emit, close } = shownOn(screen);
  emit({ type: 'scanned', assets: 3, findings: 0 });
  emit(started('a.mp4'));
  vi.advanceTimersByTime(400);
  expect(screen.text).toHaveLength(3);
  expect(screen.text.at(-1)).toBe('  a.mp4');
  screen.write('^C');
  emit({ type: 'stopping', signal: 'SIGINT', graceMs: 30_000 });
  vi.advanceTimersByTime(400);
  screen.write('^C');
  close();
  expect(screen.text).toEqual(['scanned 3 assets', expect.stringMatching(/^SIGINT: handing out nothing more/)]);
});

test('a run that goes on counts what is left of its plan, and how long that takes', () => {
  const screen = new Screen(160);
  let now = 0;
  const { emit, close } = shownOn(screen, () => now);
  emit({ type: 'resumed', items: 6, ended: 4, predictedSeconds: 30 });
  for (const key of ['a', 'b']) {
    now += 4000;
    emit(started(key));
    emit({ type: 'item-ended', item: key, disposition: 'done', predictedSeconds: 5 } as unknown as NightEvent);
  }
  vi.advanceTimersByTime(200);
  expect(screen.text).toEqual([
    '6 items left of its plan, 4 ended before',
    expect.stringMatching(/ working: 2 of 6 items in 8\.0 s, about 16\.0 s left$/),
  ]);
  close();
});

test('names that are wider than they are long leave nothing behind', () => {
  const screen = new Screen(40);
  const { emit, close } = shownOn(screen);
  emit(started(`${'写真'.repeat(15)}.jpg`));
  vi.advanceTimersByTime(1000);
  close();
  expect(screen.text).toEqual([]);
});
