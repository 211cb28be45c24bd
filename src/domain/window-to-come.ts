import type { Decision } from './choose-window.js';
import type { Window, WindowSpec } from './types.js';
import { nextOpenings } from './window.js';

/** The window in which the next changes go live: the one `run` would work in, or, where that is settled, the next. */
export function windowToCome(decision: Decision, spec: WindowSpec, now: number): Window {
  if (decision.kind !== 'nothing') return decision.window;
  const [next = decision.window] = nextOpenings(spec, now, 1);
  return next;
}
