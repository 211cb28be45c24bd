import { readableEntries } from '../domain/manifest.js';
import { updateManifest } from '../domain/manifest-update.js';
import type { AssetKey, Digest, Entry, Finding, SnapshotId } from '../domain/types.js';
import { type Base, loadIfWhole, nodeLoader } from './base.js';
import type { Night } from './night.js';

/**
 * The way out when a node of the live manifest is lost or damaged at the origin: the run is planned on a manifest of all
 * that can still be read, and looks at every asset below the lost node again. What was made is found by fingerprint; from
 * the same sources come the same entries, so the lost node itself is often written again. Only carried derivatives of
 * sources that still fail are gone for good: those items are failed, and the gate counts them.
 *
 * Not by itself, because a volume that is half mounted looks the same: a person says `--adopt`. A run that was planned
 * so goes on without being told twice.
 */
export async function salvage(night: Night, base: Base, adopt: boolean): Promise<Base> {
  const live = base.snapshot;
  const plannedOn = night.state.openRun()?.plan?.base;
  if (!live || !(adopt || (plannedOn && plannedOn !== live))) return base;
  const { rest, lost } = await whatIsLeft(night, live);
  if (lost.length === 0) return base;
  const { root, nodes } = await updateManifest(nodeLoader(night.origin), undefined, rest);
  if (!adopt && plannedOn !== root) return base;
  for (const [digest, bytes] of nodes) await night.origin.putManifest(digest, bytes);
  night.state.unsettle(night.state.assetKeys().filter((key) => !rest.has(key)));
  night.emit({ type: 'salvaged', snapshot: live, lost: lost.length, assets: rest.size });
  return { ...base, snapshot: root, damaged: live };
}

async function whatIsLeft(
  night: Night,
  live: SnapshotId,
): Promise<{ readonly rest: ReadonlyMap<AssetKey, Entry>; readonly lost: readonly Digest[] }> {
  const rest = new Map<AssetKey, Entry>();
  const lost: Digest[] = [];
  for await (const entry of readableEntries(loadIfWhole(night.origin), live, lost)) rest.set(entry.key, entry);
  return { rest, lost };
}

export function salvageFindings({ damaged }: Base): readonly Finding[] {
  if (!damaged) return [];
  const message = `the manifest of snapshot ${damaged} was damaged: assets that could not be read in it were looked at again`;
  return [{ code: 'manifest-bad', severity: 'notice', message }];
}
