import type { Stream } from './ffprobe.js';

/** Mono stays mono, everything else becomes stereo. */
export function channelsOf(sound: Stream): 1 | 2 {
  return sound.channels === 1 ? 1 : 2;
}

/**
 * The filter graph from one sound track to `[a0]`, `[a1]`, …, one for each sampling rate: decoded once. `first` are
 * filters that come before everything.
 */
export function soundGraph(sound: Stream, rates: readonly number[], first: readonly string[] = []): readonly string[] {
  const layout = channelsOf(sound) === 1 ? 'mono' : 'stereo';
  const split = `asplit=${rates.length}${rates.map((_, n) => `[t${n}]`).join('')}`;
  return [
    `[0:${sound.index}]${[...first, split].join(',')}`,
    ...rates.map((rate, n) => `[t${n}]aformat=sample_rates=${rate}:channel_layouts=${layout}[a${n}]`),
  ];
}
