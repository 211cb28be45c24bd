import { Acceptances } from '../domain/acceptance.js';
import { collidingDerivatives } from '../domain/collisions.js';
import { composeEntry, type EndedItem } from '../domain/entries.js';
import { groupCode, groupOf, waitingRows } from '../domain/groups.js';
import { entries } from '../domain/manifest.js';
import type { AssetKey, Digest, Entry, Finding, ItemId, Made, Recipe, RunId, SnapshotId } from '../domain/types.js';
import type { Withheld } from '../domain/withdraw.js';
import type { ItemRow } from '../state/contract.js';
import { liveLoader } from './base.js';
import type { Night } from './night.js';
import { isAccepted, isMissing } from './report.js';
import { byKey } from './settle.js';
import { notHeld } from './store.js';
import { withheldKeys, withheldRows, withhold } from './withheld.js';

/** Entry by key as the next snapshot has it; undefined: the asset is not in it. */
export type Updates = ReadonlyMap<AssetKey, Entry | undefined>;

export interface Validated {
  readonly updates: Updates;
  /** Items whose blobs are not at the origin although a checkpoint says so: back to work. */
  readonly lost: readonly ItemId[];
  /** What was made under these fingerprints can no longer be trusted. */
  readonly lostFingerprints: readonly Digest[];
  readonly findings: readonly Finding[];
  /** Listing of the bytes this run staged, by key. */
  readonly stagedListing: (key: AssetKey) => string | undefined;
  /** When the sources of freshly made entries were modified. */
  readonly freshSince: readonly number[];
}

export interface ValidateInput {
  readonly run: RunId;
  readonly base: ReadonlyMap<AssetKey, Entry>;
  readonly recipesFor: (key: AssetKey) => readonly Recipe[];
  readonly withheld: Withheld;
  /** What can be read of a live snapshot whose manifest is damaged; any other as it is. */
  readonly readable: (live: SnapshotId) => SnapshotId | undefined;
}

/**
 * Puts together what the run changed, and checks it before any manifest names it: every blob that the base does not
 * hold is at the origin with its size, and no two public paths collide.
 */
export async function validate(night: Night, input: ValidateInput): Promise<Validated> {
  const rows = night.state.items(input.run);
  const blocked = withheldRows(rows, input.withheld);
  if (blocked.length > 0) {
    await withhold(night, input.run, blocked, input.withheld);
    return await validate(night, input);
  }
  const made = night.state.made(rows.flatMap((row) => row.fingerprint ?? []));
  if (stepBack(night, input, rows, replacedMeanwhile(input, rows))) return await validate(night, input);
  if (stepBack(night, input, rows, tornItems(night, rows))) return await validate(night, input);
  const missing = await missingItems(night, rows, made, input.base);
  const updates = composeUpdates(night, input, rows, made);
  const collided = await collisions(night, input, updates);
  if (stepBack(night, input, rows, collided)) return await validate(night, input);
  return {
    updates,
    lost: missing.map((row) => row.id),
    lostFingerprints: missing.flatMap((row) => row.fingerprint ?? []),
    findings: [...collided.values()],
    stagedListing: listingsOf(rows),
    freshSince: freshSince(night, input, rows),
  };
}

/**
 * Results of assets whose file was replaced between two of their stagings, or between the plan and the staging of only
 * some of their recipes: published, one entry would show two contents. The next run takes such an asset whole.
 */
function replacedMeanwhile(input: ValidateInput, rows: readonly ItemRow[]): ReadonlyMap<ItemId, Finding> {
  const back = new Map<ItemId, Finding>();
  for (const [key, ofKey] of byKey(rows)) {
    const fresh = ofKey.filter(isMade);
    const contents = new Set(fresh.map((row) => row.sha256));
    const base = input.base.get(key);
    const isUntouched = ({ name }: Recipe) =>
      base?.items[name] !== undefined && !ofKey.some((row) => row.recipe === name);
    if (fresh.length > 0 && base && input.recipesFor(key).some(isUntouched)) contents.add(base.source.sha256);
    if (contents.size < 2) continue;
    const message = 'the file was replaced while the run was at it: the next run takes it whole';
    for (const { id, recipe } of fresh)
      back.set(id, { code: 'replaced-meanwhile', severity: 'error', class: 'transient', message, key, recipe });
  }
  return back;
}

/** Fresh items of groups in which another item has no fresh output: a group is published whole, or stays as it is. */
function tornItems(night: Night, rows: readonly ItemRow[]): ReadonlyMap<ItemId, Finding> {
  if (!night.job.groupBy) return new Map();
  const group = groupOf(night.job.groupBy);
  const acceptances = new Acceptances(night.state.accepted(), night.clock());
  const failing = rows.filter((row) => isMissing(row.disposition) && !isAccepted(acceptances, row));
  const back = new Map<ItemId, Finding>();
  for (const [{ id, key, recipe }, cause] of waitingRows({ fresh: rows.filter(isMade), failing }, group)) {
    const message = `group '${group(key)}' is published whole or not at all: '${cause.key}' (${cause.recipe}) has no fresh output`;
    back.set(id, { code: groupCode, severity: 'error', class: 'transient', message, key, recipe });
  }
  return back;
}

/**
 * Fresh items that cannot stand step back like any failed item: replaced sources, and paths that could be known only
 * after the work (a source's own width in a template) and collide. What stays live cannot collide with itself. True:
 * look again.
 */
function stepBack(
  night: Night,
  input: ValidateInput,
  rows: readonly ItemRow[],
  flawed: ReadonlyMap<ItemId, Finding>,
): boolean {
  const fresh = rows.filter((row) => flawed.has(row.id) && isMade(row));
  if (fresh.length === 0) return false;
  night.state.reopen(
    input.run,
    fresh.map((row) => row.id),
  ); // an item ends once; killed in between, it is worked again
  night.state.commit(
    fresh.map(({ id, key, recipe, sha256, staged, fingerprint }) => ({
      kind: 'ended',
      run: input.run,
      item: id,
      disposition: input.base.get(key)?.items[recipe] ? 'carried' : 'failed',
      at: night.clock(),
      sha256,
      staged,
      fingerprint,
      finding: flawed.get(id),
    })),
  );
  return true;
}

function listingsOf(rows: readonly ItemRow[]): Validated['stagedListing'] {
  const listings = new Map(rows.flatMap((row) => (row.staged ? [[row.key, row.staged.listing] as const] : [])));
  return (key) => listings.get(key);
}

function freshSince(night: Night, input: ValidateInput, rows: readonly ItemRow[]): readonly number[] {
  const isFresh = (row: ItemRow) => isMade(row) && input.base.get(row.key)?.source.sha256 !== row.sha256;
  const fresh = new Set(rows.flatMap((row) => (isFresh(row) ? [row.key] : [])));
  const changed = night.state
    .changes(input.run)
    .filter((change) => change.kind === 'added' || change.kind === 'changed');
  return changed.flatMap((change) => (change.asset && fresh.has(change.key) ? [change.asset.modifiedAt] : []));
}

async function missingItems(
  night: Night,
  rows: readonly ItemRow[],
  made: ReadonlyMap<Digest, Made>,
  base: ReadonlyMap<AssetKey, Entry>,
): Promise<readonly ItemRow[]> {
  const resultOf = ({ fingerprint }: ItemRow) => (fingerprint ? made.get(fingerprint) : undefined);
  const isLive = (row: ItemRow) => base.get(row.key)?.items[row.recipe]?.fingerprint === row.fingerprint;
  const fresh = rows.filter(isMade);
  const asked = fresh.filter((row) => resultOf(row) && !isLive(row));
  const lost = await notHeld(night.origin, asked, (row) => resultOf(row)?.outputs ?? []);
  return [...fresh.filter((row) => !resultOf(row)), ...lost];
}

function composeUpdates(
  night: Night,
  input: ValidateInput,
  rows: readonly ItemRow[],
  made: ReadonlyMap<Digest, Made>,
): Updates {
  const ended = new Map<AssetKey, Map<string, EndedItem>>();
  for (const row of rows) {
    if (!row.disposition) continue;
    const ofKey = ended.get(row.key) ?? new Map<string, EndedItem>();
    ended.set(row.key, ofKey.set(row.recipe, endedItem(row, row.disposition, made)));
  }
  const withheld = withheldKeys(rows);
  const updates = new Map<AssetKey, Entry | undefined>();
  for (const change of night.state.changes(input.run)) {
    const { key, sha256 } = change;
    const recipes = change.kind === 'removed' ? [] : input.recipesFor(key);
    const base = input.base.get(key);
    const entry = composeEntry({ key, sha256, recipes, ended: ended.get(key) ?? new Map(), base });
    if (entry || base || !withheld.has(key)) updates.set(key, entry); // a night that only withholds changes nothing
  }
  return updates;
}

function isMade(row: ItemRow): boolean {
  return row.disposition === 'done' || row.disposition === 'reused';
}

function endedItem(row: ItemRow, disposition: EndedItem['disposition'], made: ReadonlyMap<Digest, Made>): EndedItem {
  return {
    recipe: row.recipe,
    disposition,
    sha256: row.sha256,
    bytes: row.staged?.bytes,
    made: isMade(row) && row.fingerprint ? made.get(row.fingerprint) : undefined,
  };
}

/**
 * With default templates every path lies below its own asset's key, so only changed entries can collide with each
 * other. A template of the user's own can hit anything: then the whole snapshot is looked at.
 */
async function collisions(
  night: Night,
  { readable }: ValidateInput,
  updates: Updates,
): Promise<ReadonlyMap<ItemId, Finding>> {
  const fresh = [...updates.values()].filter((entry) => entry !== undefined);
  if (fresh.length === 0) return new Map();
  const ownTemplates = night.job.recipes.some((recipe) => recipe.path !== night.recipeKinds[recipe.kind]?.path);
  if (!ownTemplates) return collidingDerivatives(fresh);
  const named = (await night.origin.readHead())?.head.channels.live?.snapshot;
  const live = named && readable(named);
  const all = new Map(fresh.map((entry) => [entry.key, entry]));
  if (live)
    for await (const entry of entries(liveLoader(night.origin), live))
      if (!updates.has(entry.key)) all.set(entry.key, entry);
  return collidingDerivatives(all.values());
}
