import { urlsOfKeys } from '../../domain/edges.js';
import type { Head } from '../../domain/head.js';
import { assetCommand, withOptions } from '../../domain/shell.js';
import { keysOf } from '../../domain/withdraw.js';
import type { FoundContent } from '../../engine/content.js';
import type { Terminal } from '../terminal.js';
import { count, printable, short } from './units.js';

/** What a takedown would do; with nothing found, it was done before. */
export interface TakedownView {
  readonly job: string;
  readonly baseUrl: string | undefined;
  readonly key: string;
  readonly head: Head;
  readonly found: FoundContent;
}

export function takedownRecord(view: TakedownView): object {
  const { job, key, head, found } = view;
  return {
    type: 'takedown',
    job,
    asset: key,
    assets: found.contents,
    snapshots: [...found.snapshots].map(([snapshot, entries]) => ({ snapshot, assets: [...entries.keys()] })),
    letGo: [...found.unreadable],
    shared: found.shared,
    urls: urlsOf(view),
    withdrawn: head.withdrawn ?? [],
  };
}

export function renderTakedown(terminal: Terminal, view: TakedownView): void {
  const { job, key, head, found } = view;
  const again = withOptions(assetCommand('withdraw', job, key), ['--reason TEXT', '--yes']);
  const names = [...new Set(found.contents.map((one) => one.key))];
  terminal.out(
    `${job}  ${names.length > 0 ? `would take down ${count(names.length, 'asset')}` : 'was taken down before'}`,
  );
  for (const one of found.contents)
    terminal.out(`  asset     ${printable(one.key)}  content ${short(one.source)}  ${count(one.blobs.length, 'blob')}`);
  for (const [snapshot, entries] of found.snapshots) {
    const live = snapshot === head.channels.live?.snapshot ? '  (live)' : '';
    terminal.out(`  snapshot  ${short(snapshot)} loses ${count(entries.size, 'asset')}${live}`);
  }
  for (const snapshot of found.unreadable)
    terminal.out(`  snapshot  ${short(snapshot)} cannot be read, so it is let go`);
  for (const { blob, key: other } of found.shared)
    terminal.out(
      `  stays     ${short(blob.sha256)}.${blob.ext}: '${printable(other)}' has other content and the same bytes`,
    );
  for (const url of urlsOf(view)) terminal.out(`  gone      ${printable(url)}`);
  terminal.out(`  next      ${terminal.paint('cyan', again)}`);
}

/** Full ones, where the job says where readers come in. */
function urlsOf({ baseUrl, head, found }: TakedownView): readonly string[] {
  const keys = found.contents.flatMap(({ blobs, paths = [] }) => [
    ...blobs.flatMap((blob) => keysOf(head, blob)),
    ...paths.map((path) => `live/${path}`),
  ]);
  const unique = [...new Set(keys)];
  return baseUrl === undefined ? unique : urlsOfKeys([baseUrl], unique);
}
