import type { Rebuilt } from '../rebuild.js';
import type { Terminal } from '../terminal.js';
import { count } from './units.js';

export interface RebuildView extends Rebuilt {
  readonly job: string;
  /** The exact next command. */
  readonly next: readonly string[];
}

export function rebuildRecord({ job, losses, ...view }: RebuildView): unknown {
  return { type: 'rebuilt', job, ...view, lost: losses };
}

export function renderRebuilt(terminal: Terminal, view: RebuildView): void {
  const { snapshot, seq, assets, aside, losses, next } = view;
  const live = snapshot
    ? `${count(assets, 'asset')} of snapshot ${snapshot.slice(0, 12)}, seq ${seq}`
    : `seq ${seq}, nothing live`;
  terminal.out(`rebuilt the state of '${view.job}' from the origin: ${live}`);
  if (aside !== null) terminal.out(`  kept   ${aside} (delete it when nobody needs it any more)`);
  for (const { what, rows } of losses)
    if (rows !== 0)
      terminal.out(rows === null ? `  lost   ${what}; how many cannot be read any more` : `  lost   ${rows} ${what}`);
  terminal.out(`  next   ${next.join('; ')} (reads every source once; what is live is not made again)`);
}
