import { compareText } from '../domain/order.js';
import type { AssetKey, Made } from '../domain/types.js';
import type { ItemRow, State } from '../state/contract.js';

/** What the work of a run cost and gave; of freshly made items only. */
export interface Measured {
  readonly recipes: readonly RecipeMeasure[];
  /** Most expensive first. */
  readonly slowest: readonly ItemMeasure[];
}

export interface RecipeMeasure {
  readonly recipe: string;
  readonly items: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Of a worker, failed attempts included. */
  readonly ms: number;
  readonly formats: readonly { readonly ext: string; readonly derivatives: number; readonly bytes: number }[];
}

export interface ItemMeasure {
  readonly key: AssetKey;
  readonly recipe: string;
  readonly ms: number;
}

const slowestShown = 5;

export function measure(state: State, items: readonly ItemRow[]): Measured {
  const worked = items.filter((item) => item.attempts > 0);
  const ms = new Map(worked.map((item) => [item.id, workedMs(state, item)]));
  const made = state.made(items.flatMap(({ fingerprint }) => fingerprint ?? []));
  const names = [...new Set(worked.map(({ recipe }) => recipe))].sort(compareText);
  return {
    recipes: names.map((recipe) => {
      const own = worked.filter((item) => item.recipe === recipe);
      return { ...measureRecipe(recipe, own, made), ms: own.reduce((sum, { id }) => sum + (ms.get(id) ?? 0), 0) };
    }),
    slowest: worked
      .map(({ id, key, recipe }) => ({ key, recipe, ms: ms.get(id) ?? 0 }))
      .sort((a, b) => b.ms - a.ms || compareText(a.key, b.key))
      .slice(0, slowestShown),
  };
}

function workedMs(state: State, { id, key }: ItemRow): number {
  const attempts = state.history(key).find(({ item }) => item.id === id)?.attempts ?? [];
  return attempts.reduce((sum, { startedAt, endedAt }) => sum + endedAt - startedAt, 0);
}

function measureRecipe(
  recipe: string,
  worked: readonly ItemRow[],
  made: ReadonlyMap<string, Made>,
): Omit<RecipeMeasure, 'ms'> {
  const done = worked.filter((item) => item.disposition === 'done');
  const outputs = done.flatMap(({ fingerprint }) => (fingerprint && made.get(fingerprint)?.outputs) || []);
  const formats = [...new Set(outputs.map(({ ext }) => ext))].sort(compareText);
  return {
    recipe,
    items: done.length,
    bytesIn: done.reduce((sum, { staged }) => sum + (staged?.bytes ?? 0), 0),
    bytesOut: sizeOf(outputs),
    formats: formats.map((ext) => {
      const those = outputs.filter((output) => output.ext === ext);
      return { ext, derivatives: those.length, bytes: sizeOf(those) };
    }),
  };
}

function sizeOf(outputs: readonly { readonly bytes: number }[]): number {
  return outputs.reduce((sum, { bytes }) => sum + bytes, 0);
}
