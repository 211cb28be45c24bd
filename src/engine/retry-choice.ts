import { itemId } from '../domain/digest.js';
import { Fault } from '../domain/faults.js';
import { type GroupOf, groupCode } from '../domain/groups.js';
import type { AssetKey, ItemId, PartitionId, Recipe, RunId } from '../domain/types.js';
import type { ItemRow, RunRow, State } from '../state/contract.js';
import { isMissing } from './report.js';
import type { RetryRequest } from './retry.js';

export interface ChoiceInput {
  readonly last: RunRow;
  readonly request: RetryRequest;
  readonly recipesFor: (key: AssetKey) => readonly Pick<Recipe, 'name'>[];
  readonly groupOf: GroupOf;
}

export interface Chosen {
  readonly items: ReadonlySet<ItemId>;
  readonly keys: ReadonlySet<AssetKey>;
}

type Pair = { readonly key: AssetKey; readonly recipe: string };

/** The items a person means. Throws `usage` for a partition that nobody knows, and when nothing is left to do. */
export function chooseItems(state: State, input: ChoiceInput): Chosen {
  const { last, request } = input;
  const { partitions = [], items } = request;
  const rows = state.items(last.id);
  const named = partitions.length > 0 || items !== undefined;
  const pairs = named
    ? [...inPartitions(state, last, partitions), ...(items ? matching(state, input, items) : [])]
    : rows;
  const missing = new Set(rows.filter((row) => isMissing(row.disposition)).map((row) => row.id));
  const onlyMissing = request.failed ?? !named;
  const chosen = pairs.filter(({ key, recipe }) => !onlyMissing || missing.has(itemId(recipe, key)));
  if (chosen.length === 0) throw nothingChosen(last, { named, onlyMissing });
  const all = [...chosen, ...waitingFor(chosen, rows, input.groupOf)];
  return {
    items: new Set(all.map(({ key, recipe }) => itemId(recipe, key))),
    keys: new Set(all.map(({ key }) => key)),
  };
}

/** What was done already, and waits only for the rest of its group. */
function waitingFor(chosen: readonly Pair[], rows: readonly ItemRow[], group: GroupOf): readonly Pair[] {
  const groups = new Set(chosen.map(({ key }) => group(key)));
  return rows.filter(({ key, finding }) => finding?.code === groupCode && groups.has(group(key)));
}

function nothingChosen(last: RunRow, { named, onlyMissing }: { named: boolean; onlyMissing: boolean }): Fault {
  const among = named ? ' among those named' : '';
  const what = onlyMissing ? `no item${among} is without fresh output` : 'no known asset matches';
  return new Fault('usage', `nothing to retry in run ${last.id}: ${what}`, { hint: 'nightpress status {job}' });
}

/** Also of assets that the last run did not have to look at. */
function matching(
  state: State,
  { last, recipesFor }: ChoiceInput,
  matches: (key: AssetKey) => boolean,
): readonly Pair[] {
  const listed = state.changes(last.id).filter((change) => change.kind !== 'removed');
  const keys = new Set([...state.assetKeys(), ...listed.map((change) => change.key)]);
  return [...keys].filter(matches).flatMap((key) => recipesFor(key).map(({ name }) => ({ key, recipe: name })));
}

/** A night's partitions keep their names while its items are retried, so those of the window's earlier runs count too. */
function inPartitions(state: State, last: RunRow, prefixes: readonly string[]): readonly Pair[] {
  if (prefixes.length === 0) return [];
  const runs = state.runs(50).filter((run) => run.window.opens === last.window.opens && run.plan !== undefined);
  const known = new Map<PartitionId, RunId>();
  for (const run of runs) for (const { id } of state.partitions(run.id)) if (!known.has(id)) known.set(id, run.id);
  return prefixes.flatMap((prefix) => {
    const [found, second] = [...known].filter(([id]) => id.startsWith(prefix));
    if (!found || second)
      throw unclearPartition(last, prefix, { known: [...known.keys()], several: second !== undefined });
    const [id, run] = found;
    return state.items(run, id);
  });
}

function unclearPartition(
  last: RunRow,
  prefix: string,
  { known, several }: { known: readonly PartitionId[]; several: boolean },
): Fault {
  const ids = known.join(', ') || 'none: nothing had to be made';
  const what = several ? 'names more than one partition' : 'is no partition';
  return new Fault('usage', `'${prefix}' ${what} of window ${last.window.label}: expected one of ${ids}`, {
    hint: 'nightpress status {job}',
  });
}
