import type { AssetKey, Digest, Disposition, RunId } from '../domain/types.js';
import { type Withheld, withdrawnFinding } from '../domain/withdraw.js';
import type { ItemRow, Mark } from '../state/contract.js';
import type { Night } from './night.js';
import { removeUnshown } from './unshown.js';

/** Rows that have made something of content that is withdrawn by now. */
export function withheldRows(rows: readonly ItemRow[], withheld: Withheld): readonly ItemRow[] {
  if (withheld.size === 0) return [];
  return rows.filter(({ sha256, disposition }) => sha256 && withheld.has(sha256) && disposition !== 'withheld');
}

export function withheldKeys(
  rows: readonly { readonly key: AssetKey; readonly disposition?: Disposition }[],
): ReadonlySet<AssetKey> {
  return new Set(rows.flatMap(({ key, disposition }) => (disposition === 'withheld' ? [key] : [])));
}

/** How many assets the source has and what is live lacks, because they were withdrawn: no growth, and no loss either. */
export function withheldBesideLive(
  rows: Parameters<typeof withheldKeys>[0],
  live: ReadonlyMap<AssetKey, unknown>,
): number {
  return [...withheldKeys(rows)].filter((key) => !live.has(key)).length;
}

/**
 * These items end as withheld, whatever they ended as before; what they made is forgotten and, unless somebody else shows
 * it, deleted. Killed in between, it is done again: the rows change last.
 */
export async function withhold(night: Night, run: RunId, rows: readonly ItemRow[], withheld: Withheld): Promise<void> {
  if (rows.length === 0) return;
  await forgetMade(
    night,
    rows.flatMap(({ fingerprint }) => fingerprint ?? []),
  );
  const marks = rows.flatMap(({ id: item, key, recipe, sha256, staged, fingerprint }): Mark[] => {
    const withdrawal = sha256 && withheld.get(sha256);
    if (!withdrawal) return [];
    const finding = { ...withdrawnFinding(withdrawal), key, recipe };
    const at = night.clock();
    return [{ kind: 'ended', run, item, disposition: 'withheld', at, sha256, staged, fingerprint, finding }];
  });
  night.state.reopen(
    run,
    rows.map(({ id }) => id),
  );
  night.state.commit(marks);
}

/** Forgets what was made under these fingerprints, here and, where nobody else counts on it or shows it, at the origin. */
export async function forgetMade(night: Night, fingerprints: readonly Digest[]): Promise<void> {
  const { state, origin } = night;
  const made = [...state.made(fingerprints).values()];
  const head = made.length > 0 && (await origin.readHead())?.head;
  if (!head) return;
  const outputs = made.flatMap((one) => one.outputs);
  const counts = new Map<Digest, number>();
  for (const digest of state.madeDigests()) counts.set(digest, (counts.get(digest) ?? 0) + 1);
  for (const { sha256 } of outputs) counts.set(sha256, (counts.get(sha256) ?? 0) - 1);
  const unshared = outputs.filter(({ sha256 }) => counts.get(sha256) === 0); // no other checkpoint counts on them
  await removeUnshown(night, unshared);
  state.forgetMade(fingerprints);
}
