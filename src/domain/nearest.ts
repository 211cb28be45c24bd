import { compareText } from './order.js';

/** The names most like `text`, best first: those that contain it, then by how many edits are between them. */
export function nearestNames(text: string, names: Iterable<string>, most: number): readonly string[] {
  const wanted = text.toLowerCase();
  const best: { readonly name: string; readonly distance: number }[] = [];
  for (const name of names) {
    const worst = best.length < most ? Number.POSITIVE_INFINITY : (best.at(-1)?.distance ?? 0);
    const distance = distanceTo(wanted, name.toLowerCase(), worst);
    if (distance > worst) continue;
    best.push({ name, distance });
    best.sort((a, b) => a.distance - b.distance || compareText(a.name, b.name));
    best.length = Math.min(best.length, most);
  }
  return best.map(({ name }) => name);
}

/** The name that a slip of the hand may have made `text` of; undefined when none is that near. */
export function meantName(text: string, names: Iterable<string>): string | undefined {
  const [nearest] = nearestNames(text, names, 1);
  if (nearest === undefined) return undefined;
  const slips = text.length > 3 ? 2 : 1;
  return distanceTo(text.toLowerCase(), nearest.toLowerCase(), slips + 1) <= slips + 1 ? nearest : undefined;
}

/** A name that holds all of what was typed is nearer than any other. */
function distanceTo(wanted: string, name: string, worst: number): number {
  const lengths = Math.abs(name.length - wanted.length);
  if (name.includes(wanted)) return lengths / 1000;
  return lengths > worst ? Number.POSITIVE_INFINITY : 1 + edits(wanted, name);
}

/** Levenshtein's distance, one row at a time. */
function edits(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
