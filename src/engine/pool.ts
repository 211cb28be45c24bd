import pLimit from 'p-limit';

/** Runs a call when a place is free; calls start in the order they were made. */
export type Pool = <T>(call: () => Promise<T>) => Promise<T>;

/** Never call a pool from inside itself: it would wait for its own place. */
export function createPool(places: number): Pool {
  const limit = pLimit(places);
  return (call) => limit(call);
}
