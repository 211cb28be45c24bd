import type { Stream } from './ffprobe.js';

/** Mono stays mono, everything else becomes stereo. */
export function channelsOf(sound: Stream): 1 | 2 {
  return sound.channels === 1 ? 1 : 2;
}

/**
 * The filter graph from one sound track to `[a0]`, `[a1]`, …, one for each sampling rate: decoded once. A sound of less
 * than a tenth of a second gets silence behind it: encoders swallow what does not fill one of their frames.
 */
export function soundGraph(sound: Stream, rates: readonly number[], declaredSeconds = 0): readonly string[] {
  const layout = channelsOf(sound) === 1 ? 'mono' : 'stereo';
  const padding = declaredSeconds > 0 && declaredSeconds < 0.1 ? 'apad=whole_dur=0.1,' : '';
  return [
    `[0:${sound.index}]${padding}asplit=${rates.length}${rates.map((_, n) => `[t${n}]`).join('')}`,
    ...rates.map((rate, n) => `[t${n}]aformat=sample_rates=${rate}:channel_layouts=${layout}[a${n}]`),
  ];
}
