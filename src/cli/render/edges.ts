import type { EdgeRecord } from '../../domain/edges.js';
import type { Terminal } from '../terminal.js';
import { printable } from './units.js';

/** One line for each edge that was told or waited for. */
export function renderEdges({ out, paint }: Terminal, edges: readonly EdgeRecord[] | undefined): void {
  (edges ?? []).forEach((edge, at) => {
    const text = `${edge.name}: ${edgeText(edge)}`;
    out(`  ${at === 0 ? 'edges     ' : '          '}${edge.error ? paint('yellow', printable(text)) : text}`);
  });
}

export function edgeText({ told, servedAfterMs, error }: EdgeRecord): string {
  const served = servedAfterMs === undefined ? [] : [`served after ${(servedAfterMs / 1000).toFixed(1)} s`];
  return [...(told ? ['told'] : []), ...served, ...(error ? [error] : [])].join(', ');
}
