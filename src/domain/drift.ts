import type { Drift } from './gate.js';
import type { Entry } from './types.js';

/** What the entries of one asset were and are. */
export interface EntrySides {
  readonly before?: Entry | undefined;
  readonly after?: Entry | undefined;
}

/** Of items that replace live ones by something else. */
export function driftsOf(changes: Iterable<EntrySides>): readonly Drift[] {
  const drifts = new Map<string, Drift>();
  for (const { before: was, after } of changes) {
    for (const [recipe, item] of Object.entries(after?.items ?? {})) {
      const before = was?.items[recipe];
      if (!before || before.fingerprint === item.fingerprint) continue;
      const sum = drifts.get(recipe) ?? { recipe, items: 0, before: 0, after: 0 };
      drifts.set(recipe, {
        recipe,
        items: sum.items + 1,
        before: sum.before + bytesOf(before.derivatives),
        after: sum.after + bytesOf(item.derivatives),
      });
    }
  }
  return [...drifts.values()];
}

function bytesOf(derivatives: readonly { readonly bytes: number }[]): number {
  return derivatives.reduce((sum, { bytes }) => sum + bytes, 0);
}
