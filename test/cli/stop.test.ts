import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type SignalStop, stopOnSignals } from '../../src/cli/stop.js';

let stop: SignalStop;
const told = vi.fn<(signal: string, insisting: boolean) => void>();
const exit = vi.fn<(code: number) => void>();

beforeEach(() => {
  vi.useFakeTimers();
  stop = stopOnSignals(30_000, told, exit);
});
afterEach(() => {
  stop.release();
  vi.useRealTimers();
  vi.clearAllMocks();
});

test('the first signal asks and waits for the work in flight', () => {
  process.emit('SIGTERM', 'SIGTERM');
  vi.advanceTimersByTime(600_000);
  expect([stop.asked.aborted, stop.now.aborted, stop.signal()]).toEqual([true, false, 'SIGTERM']);
  expect(exit).not.toHaveBeenCalled();
});

test('the second insists, and ends the process when nothing that can be killed was holding it', () => {
  process.emit('SIGTERM', 'SIGTERM');
  process.emit('SIGINT', 'SIGINT');
  expect(stop.now.aborted).toBe(true);
  expect(told.mock.calls).toEqual([
    ['SIGTERM', false],
    ['SIGINT', true],
  ]);
  vi.advanceTimersByTime(2_999);
  expect(exit).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(exit.mock.calls).toEqual([[143]]);
});

test('a process that ends by itself is left alone', () => {
  process.emit('SIGHUP', 'SIGHUP');
  process.emit('SIGHUP', 'SIGHUP');
  stop.release();
  vi.advanceTimersByTime(10_000);
  expect(exit).not.toHaveBeenCalled();
});

test('the third ends it at once', () => {
  for (const signal of ['SIGINT', 'SIGINT', 'SIGINT'] as const) process.emit(signal, signal);
  expect(exit.mock.calls).toEqual([[130]]);
});

test('once what was insisted on has ended, there is time to tell of it', () => {
  for (const signal of ['SIGTERM', 'SIGTERM'] as const) process.emit(signal, signal);
  stop.ended();
  vi.advanceTimersByTime(10_000);
  expect(exit).not.toHaveBeenCalled();
  process.emit('SIGTERM', 'SIGTERM');
  expect(exit.mock.calls).toEqual([[143]]);
});
