import type { Channel, Channels, Head, Staged } from './head.js';

/**
 * Channels beside `live`: a whole line of nights that readers of the site never see, such as a trial of new recipes.
 *
 * A run on a channel works as every run does; it only sees the head through the glasses of `seenFrom`, where its channel
 * stands in the place of `live`, and what it commits is put back by `writtenTo`. So there is one way to run a night, not
 * two. A channel that was never published to shows what is live. What only `live` has stays out of sight and untouched:
 * the freeze, and what retention keeps or lets go. Snapshots of every channel are roots of a collection.
 *
 * Beside the channel `preview` the head may hold `preview.staged`: what the gate held there.
 */
export const liveChannel = 'live';

/** Why no channel may be called so, in words that follow "expected"; undefined when one may. Every object has a 'constructor'. */
export function channelNameProblem(name: string): string | undefined {
  if (['live', 'staged', 'previous', 'constructor'].includes(name)) return `a name of its own, not '${name}'`;
  return /^[a-z][a-z0-9-]{0,31}$/.test(name)
    ? undefined
    : 'at most 32 lower-case letters, digits and -, a letter first';
}

export const stagedBeside = (channel: string) => `${channel}.staged`;

/** Channels beside `live`, also those where the gate has let nothing pass yet. The head may be one seen from a channel. */
export function channelsOf({ channels }: Pick<Head, 'channels'>): readonly string[] {
  const names = Object.keys(channels).map((name) => name.replace(/\.staged$/, ''));
  return [...new Set(names.filter((name) => channelNameProblem(name) === undefined))].sort();
}

/** The head as a run on `channel` sees it. */
export function seenFrom(head: Head, channel: string): Head {
  const { frozen: _, ...seen } = head;
  const { live, staged, ...others } = head.channels;
  const own = others[channel] ?? live;
  const waiting = others[stagedBeside(channel)];
  const channels: Channels = {
    ...others,
    ...(live && { '@live': live }),
    ...(staged && { '@staged': staged }),
    ...(own && { live: own }),
    ...(waiting && { staged: asStaged(waiting) }),
  };
  return { ...seen, channels };
}

/** Whether the channel from which `seen` is the head shows another snapshot than the live one: what `promote` is for. */
export function isPromotable({ channels }: Head): boolean {
  return channels.live !== undefined && channels.live.snapshot !== channels['@live']?.snapshot;
}

/**
 * The head that a commit on `channel` makes of `head`, given what the run made of what it saw of it. `head` is undefined
 * before the first commit of an origin.
 */
export function writtenTo(head: Head | undefined, next: Head, channel: string): Head {
  const { live, staged } = next.channels;
  const { [channel]: before, [stagedBeside(channel)]: _, ...others } = head?.channels ?? {};
  const own = live?.seq === next.seq ? live : before; // otherwise it is the live one, seen for want of an own one
  const channels: Channels = {
    ...others,
    ...(own && { [channel]: own }),
    ...(staged && { [stagedBeside(channel)]: staged }),
  };
  const { seq, at, commits, moved } = next;
  return { ...(head ?? { ...next, retained: [] }), channels, seq, at, commits, ...(moved && { moved }) };
}

function asStaged(waiting: Channel | Staged): Staged {
  return { ...waiting, rules: 'rules' in waiting ? waiting.rules : [] };
}
