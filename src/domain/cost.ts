/** Bringing an item in and out costs this much however small it is; nothing is free, so that balancing means something. */
const leastSeconds = 0.01;

/** Copying and hashing while staging, from a disk that is neither fast nor cached. */
const stagedBytesPerSecond = 200e6;

/** Seconds of one worker for one item, from the processor's own estimate. Finite and positive. */
export function predictSeconds(priorSeconds: number): number {
  if (!Number.isFinite(priorSeconds)) throw new RangeError(`a processor estimated ${priorSeconds} seconds`);
  return Math.max(leastSeconds, priorSeconds);
}

/** Seconds for an item whose outputs exist already: its bytes are staged and hashed, and that is all. */
export function reuseSeconds(bytes: number): number {
  return Math.max(leastSeconds, bytes / stagedBytesPerSecond);
}
