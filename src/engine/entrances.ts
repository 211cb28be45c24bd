import type { Origin } from '../origins/contract.js';

/** Makes the names by which readers find the head lead to it again; returns those that did not. */
export async function mendEntrances({ entrances }: Origin): Promise<readonly string[]> {
  const lost = (await entrances?.lost()) ?? [];
  if (lost.length > 0) await entrances?.mend();
  return lost;
}
