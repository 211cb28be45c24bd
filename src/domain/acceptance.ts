import { itemId } from './digest.js';
import type { AssetKey, Digest, Finding, ItemId } from './types.js';

/** A failure that somebody lives with, and why. */
export interface Acceptance {
  readonly item: ItemId;
  readonly key: AssetKey;
  /** Empty: a finding about the asset itself, whatever is made of it. */
  readonly recipe: string;
  /** Undefined: its content could not be read. */
  readonly fingerprint?: Digest;
  readonly code: string;
  readonly reason: string;
  /** Undefined: as long as content, recipe and tools stay as they are. */
  readonly until?: number;
  readonly at: number;
}

/** Something that failed. */
export interface Failure {
  readonly finding: Finding;
  readonly fingerprint?: Digest;
}

/**
 * What is lived with at one moment. An acceptance covers a failure of the same item in the same way (code) on the same
 * content, recipe and tools (fingerprint): anything else is news.
 */
export class Acceptances {
  readonly #byItem: ReadonlyMap<ItemId, Acceptance>;

  constructor(all: readonly Acceptance[], now: number) {
    const valid = all.filter(({ until }) => until === undefined || now < until);
    this.#byItem = new Map(valid.map((one) => [one.item, one]));
  }

  of({ finding, fingerprint }: Failure): Acceptance | undefined {
    if (finding.key === undefined) return undefined;
    const found = this.#byItem.get(itemId(finding.recipe ?? '', finding.key));
    return found && found.code === finding.code && found.fingerprint === fingerprint ? found : undefined;
  }

  /** The finding as it is told: an accepted one is no error any more, and says why. */
  tell(failure: Failure): Finding {
    const accepted = failure.finding.severity === 'error' ? this.of(failure) : undefined;
    if (!accepted) return failure.finding;
    const message = `${failure.finding.message}; accepted: ${accepted.reason}`;
    return { ...failure.finding, severity: 'notice', message };
  }
}
