import type { KeptReason } from '../../domain/collect.js';
import { brakedText, type Collection, shareOf } from '../../engine/collect.js';
import type { Terminal } from '../terminal.js';
import { bytes, count, printable } from './units.js';

export interface GcView {
  readonly job: string;
  /** False: only looked. */
  readonly removed: boolean;
  /** Whether checkpoints of a local state were among the roots. */
  readonly withState: boolean;
  readonly collection: Collection;
}

export function gcRecord({ job, removed, withState, collection }: GcView): object {
  const { objects, bytes: weight, forgotten, letGo, brakedOf } = collection;
  const brake = brakedOf === undefined ? {} : { brakedOf };
  return {
    type: 'gc',
    job,
    removed,
    withState,
    ...byKind(collection),
    bytes: weight,
    forgotten,
    letGo,
    ...brake,
    objects,
  };
}

export function renderGc(terminal: Terminal, view: GcView): void {
  const { job, removed, collection } = view;
  const { objects, forgotten, letGo } = collection;
  terminal.out(`${job}  ${summary(view)}`);
  for (const line of snapshotLines(view)) terminal.out(`  snapshots ${line}`);
  if (!view.withState) {
    terminal.out('  note      no local state here: only their age protects blobs of a run that has not published yet');
  }
  if (terminal.verbose)
    for (const { key, bytes: weight } of objects) terminal.out(`  object    ${key}  ${bytes(weight)}`);
  const { brakedOf } = collection;
  if (brakedOf !== undefined) terminal.out(`  brake     ${brakedText(objects.length, brakedOf)}`);
  const pending = !removed && objects.length + forgotten + letGo > 0;
  const share = brakedOf === undefined ? '' : ` --max-delete ${shareOf(objects.length, brakedOf)}%`;
  if (pending) terminal.out(`  next      ${terminal.paint('cyan', `nightpress gc ${job} --yes${share}`)}`);
}

function summary({ removed, collection }: GcView): string {
  if (collection.objects.length === 0) return 'nothing to delete';
  const { blobs, manifests } = byKind(collection);
  const some = (what: string, kind: typeof blobs) => `${count(kind.objects, what)} (${bytes(kind.bytes)})`;
  return `${removed ? 'deleted' : 'would delete'} ${some('blob', blobs)}, ${some('manifest node', manifests)}`;
}

function snapshotLines({ removed, collection: { forgotten, letGo } }: GcView): readonly string[] {
  const verb = removed ? 'are' : 'would be';
  return [
    ...(forgotten > 0 ? [`${forgotten} past their grace ${verb} forgotten`] : []),
    ...(letGo > 0 ? [`${letGo} ${verb} let go now: kept whole for another 72 h`] : []),
  ];
}

function byKind({ objects }: Collection) {
  const of = (kind: 'blob' | 'manifest') => {
    const some = objects.filter((object) => object.kind === kind);
    return { objects: some.length, bytes: some.reduce((sum, object) => sum + object.bytes, 0) };
  };
  return { blobs: of('blob'), manifests: of('manifest') };
}

export function whyRecord(job: string, key: string, reasons: readonly KeptReason[]): object {
  return { type: 'why', job, key, kept: reasons.length > 0, reasons };
}

export function renderWhy({ out }: Terminal, key: string, reasons: readonly KeptReason[]): void {
  out(`${key}  ${reasons.length > 0 ? 'stays' : 'is kept by nothing: the next gc --yes deletes it'}`);
  for (const reason of reasons) out(`  because   ${because(reason)}`);
}

function because(reason: KeptReason): string {
  switch (reason.kind) {
    case 'live':
      return 'the live snapshot has it';
    case 'staged':
      return 'the staged snapshot has it';
    case 'channel':
      return `the snapshot of channel ${printable(reason.name)} has it`;
    case 'pin':
      return `the snapshot pinned as ${printable(reason.name)} has it`;
    case 'retained':
      return `the snapshot of seq ${reason.seq} has it, which is retained`;
    case 'dropped':
      return `the snapshot of seq ${reason.seq} has it, which was let go and is kept whole until ${instant(reason.until)}`;
    case 'checkpoint':
      return 'a checkpoint of the local state counts on it';
    case 'young':
      return `it is young: nothing is deleted before ${instant(reason.until)}`;
  }
}

function instant(at: number): string {
  return new Date(at).toISOString();
}
