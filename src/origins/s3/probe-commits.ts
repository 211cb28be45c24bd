import type { Observation, StoreCheck } from '../../domain/store-tier.js';
import type { ProbeOptions } from '../contract.js';
import { type Answer, done, type Scratch, settled, type Writing } from './scratch.js';
import { isConflict, troubleOf } from './trouble.js';

type Races = Pick<ProbeOptions, 'racers' | 'rounds'>;

/** `If-None-Match: *`: creates what is not there, and nothing else. */
export async function tryCreating(scratch: Scratch, races: Races): Promise<readonly Observation[]> {
  const once = { IfNoneMatch: '*' };
  const first = settled(await scratch.put('create', 'first', once));
  if (first.status !== 200) return [cannot('create', `If-None-Match: * was answered with ${first.said}`)];
  const stored = (await scratch.get('create'))?.text;
  if (stored !== 'first') return [broken('create', 'answered with success, and not stored')];
  const again = settled(await scratch.put('create', 'second', once));
  const racing = async (round: number) =>
    await race(scratch, { check: 'create race', name: `create-${round}`, condition: once, racers: races.racers });
  return [
    kept('create', 'If-None-Match: * creates'),
    mustFail('create again', again, (await scratch.get('create'))?.text === 'first'),
    await worst(races.rounds, racing),
  ];
}

/** `If-Match`: replaces what is still the same, and nothing else. */
export async function trySwapping(scratch: Scratch, races: Races): Promise<readonly Observation[]> {
  done(await scratch.put('swap', 'zero'));
  const old = await etagOf(scratch, 'swap');
  const forms = await formsTaken(scratch);
  const [form] = forms.taken;
  if (!form) return [cannot('swap', `If-Match with the current ETag was answered with ${forms.said}`)];
  const racing = async (round: number) => {
    done(await scratch.put(`swap-${round}`, 'none'));
    const condition = { IfMatch: form.of(await etagOf(scratch, `swap-${round}`)) };
    return await race(scratch, { check: 'swap race', name: `swap-${round}`, condition, racers: races.racers });
  };
  return [
    kept('swap', `If-Match takes the ETag ${forms.taken.map(({ told }) => told).join(' and ')}`),
    await trySwap(scratch, { check: 'swap stale', name: 'swap', etag: old }),
    await trySwap(scratch, { check: 'swap missing', name: 'missing', etag: old }),
    await worst(races.rounds, racing),
  ];
}

interface EtagForm {
  readonly told: string;
  of(etag: string): string;
}

const etagForms: readonly EtagForm[] = [
  { told: 'as shown', of: (etag) => etag },
  { told: 'without quotes', of: (etag) => etag.replaceAll('"', '') },
];

/** The forms of the current ETag that it takes; what it said to one that it does not. */
async function formsTaken(scratch: Scratch): Promise<{ readonly taken: readonly EtagForm[]; readonly said: string }> {
  const taken: EtagForm[] = [];
  const said = new Set<string>();
  for (const form of etagForms) {
    const IfMatch = form.of(await etagOf(scratch, 'swap'));
    const text = `swapped ${form.told}`;
    const answer = settled(await scratch.put('swap', text, { IfMatch }));
    const isDone = answer.status === 200 && (await scratch.get('swap'))?.text === text;
    if (isDone) taken.push(form);
    else said.add(answer.status === 200 ? 'success, and not stored' : answer.said);
  }
  return { taken, said: [...said].join(', ') };
}

interface Swap {
  readonly check: StoreCheck;
  readonly name: string;
  /** One that is not there. */
  readonly etag: string;
}

async function trySwap(scratch: Scratch, { check, name, etag }: Swap): Promise<Observation> {
  const before = (await scratch.get(name))?.text;
  const answers: Observation[] = [];
  for (const { of } of etagForms) {
    const answer = settled(await scratch.put(name, 'should not be', { IfMatch: of(etag) }));
    answers.push(mustFail(check, answer, (await scratch.get(name))?.text === before));
  }
  return worstOf(answers);
}

async function etagOf(scratch: Scratch, name: string): Promise<string> {
  return (await scratch.get(name))?.etag ?? '';
}

interface Race {
  readonly check: StoreCheck;
  readonly name: string;
  readonly condition: Writing;
  readonly racers: number;
}

/** All at once, exactly one may win, and its bytes must be there. Whoever loses may be told so by any error. */
async function race(scratch: Scratch, { check, name, condition, racers }: Race): Promise<Observation> {
  const texts = Array.from({ length: racers }, (_, n) => `racer ${n}`);
  const ended = await Promise.allSettled(texts.map((text) => scratch.put(name, text, condition)));
  const answers = ended.map((one) => {
    if (one.status === 'rejected') throw one.reason;
    return one.value;
  });
  const winners = texts.filter((_, n) => answers[n]?.status === 200);
  const losers = new Set(answers.filter(({ status }) => status !== 200).map(({ said }) => said));
  if (winners.length > 1) return broken(check, `${winners.length} of ${racers} at once were answered with success`);
  if (winners.length === 0) {
    for (const answer of answers) settled(answer);
    return cannot(check, `none of ${racers} at once won (${[...losers].join(', ')})`);
  }
  const stored = (await scratch.get(name))?.text;
  if (stored !== winners[0]) return broken(check, `one of ${racers} at once won, but what another wrote is there`);
  return kept(check, `one of ${racers} at once wins (others: ${[...losers].join(', ')})`);
}

async function worst(rounds: number, racing: (round: number) => Promise<Observation>): Promise<Observation> {
  const seen: Observation[] = [];
  for (let round = 1; round <= rounds && seen.every((one) => one.seen === 'kept'); round++) {
    seen.push(await racing(round));
  }
  const { detail, ...one } = worstOf(seen);
  return { ...one, detail: one.seen === 'kept' ? `${detail}, ${rounds} of ${rounds} times` : detail };
}

function worstOf(seen: readonly Observation[]): Observation {
  const [first, ...more] = seen;
  if (!first) throw new RangeError('nothing was tried');
  const grave = [first, ...more].sort((a, b) => gravity.indexOf(a.seen) - gravity.indexOf(b.seen));
  return grave.at(-1) ?? first;
}

const gravity: readonly Observation['seen'][] = ['kept', 'refused', 'broken'];

function mustFail(check: StoreCheck, { status, said, error }: Answer, isUntouched: boolean): Observation {
  if (status === 200) return broken(check, 'answered with success, which must be refused');
  if (!isUntouched) return broken(check, `answered with ${said}, and done all the same`);
  const trouble = troubleOf(error);
  return trouble && isConflict(trouble)
    ? kept(check, `refused (${said})`)
    : cannot(check, `answered with ${said}, expected 412`);
}

function kept(check: StoreCheck, detail: string): Observation {
  return { check, seen: 'kept', detail };
}

function cannot(check: StoreCheck, detail: string): Observation {
  return { check, seen: 'refused', detail };
}

function broken(check: StoreCheck, detail: string): Observation {
  return { check, seen: 'broken', detail };
}
