import { liveChannel, seenFrom, writtenTo } from '../domain/channels.js';
import type { Origin } from '../origins/contract.js';
import type { Emit } from './events.js';

/**
 * The origin as a run on `channel` works with it: the same blobs and manifests, the head seen from the channel. Plain web
 * servers show what is live, so there is no tree here; and what must be kept is for runs of `live` to say, so nothing is
 * collected from here either.
 */
export function onChannel(origin: Origin, channel: string | undefined): Origin {
  if (channel === undefined || channel === liveChannel) return origin;
  const { tree: _tree, entrances: _entrances, exclusively: _exclusively, condemning: _condemning, ...rest } = origin;
  return {
    ...rest,
    async readHead() {
      const read = await origin.readHead();
      return read && { ...read, head: seenFrom(read.head, channel) };
    },
    async swapHead(next, base) {
      const read = await origin.readHead();
      if (read?.version !== base) return 'lost';
      return await origin.swapHead(writtenTo(read?.head, next, channel), base);
    },
  };
}

/** Events of such a run name its channel. */
export function tellingOf(emit: Emit, channel: string | undefined): Emit {
  if (channel === undefined || channel === liveChannel) return emit;
  return (event) =>
    emit(
      event.type === 'head-moved'
        ? { ...event, channel: event.channel === 'live' ? channel : `${channel}.staged` }
        : event,
    );
}
