import type { Look } from '../../src/domain/edges.js';
import { Fault } from '../../src/domain/faults.js';
import type { Edge, Stale } from '../../src/edges/contract.js';

/** An edge without a network: what it was told, and what it shows. */
export interface FakeEdge extends Edge {
  readonly told: Stale[];
  looks: number;
  /** While set, it cannot be told, in these words. */
  trouble: string | undefined;
  /** What a reader gets at the n-th look, from 1. */
  shows: (look: number) => Look;
}

export function aFakeEdge(name: string): FakeEdge {
  const url = `https://${name}.example/head.json`;
  const edge: FakeEdge = {
    name,
    told: [],
    looks: 0,
    trouble: undefined,
    shows: () => ({ url, trouble: 'answers 404' }),
    purge: async (stale) => {
      if (edge.trouble !== undefined) throw new Fault('edge-unreachable', edge.trouble);
      edge.told.push(stale);
    },
    look: async () => [edge.shows(++edge.looks)],
  };
  return edge;
}
