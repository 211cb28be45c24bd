import { parseArgs } from 'node:util';
import pLimit from 'p-limit';
import { Bench, type Blow, type Calm, type Suffered } from './request-bench.js';
import { nameOf } from './request-names.js';
import { type Ground, grounds } from './request-scenarios.js';
import { type RequestsReport, requestsSummary, requestsText, writeRequests } from './requests-report.js';

/**
 * `npm run torture -- --requests [--scenario NAME] [--all] [--write]`: a command at a bucket is killed at its first request,
 * at its second, at its third …, before the store has it and when the store has done it. Every commit and deletion; where
 * commits do not go by the log also the first and the last write of each kind and every sixteenth, and the first read of
 * each, before. With `--all` everything.
 */
export async function requests(argv: readonly string[]): Promise<number> {
  const flag = { type: 'boolean' } as const;
  const options = { requests: flag, all: flag, write: flag, scenario: { type: 'string', default: '' } } as const;
  const { values } = parseArgs({ args: [...argv], options });
  const startedAt = performance.now();
  const lane = pLimit(lanes);
  const chosen = chosenGrounds(values.scenario);
  const suffered = await Promise.all(chosen.map((ground) => lane(() => sweep(ground, values.all ?? false))));
  const seconds = Math.round((performance.now() - startedAt) / 1000);
  const report: RequestsReport = { date: new Date().toISOString().slice(0, 10), seconds, suffered: suffered.flat() };
  process.stdout.write(`${requestsText(report)}\n\nrequests: ${requestsSummary(report)}\n`);
  if (values.write) await writeRequests(report);
  return report.suffered.some(({ violations }) => violations.length > 0) ? 1 : 0;
}

/** Grounds at once: half of the time a command starts or waits. */
const lanes = 2;

/** Those with scenarios whose name begins so. */
function chosenGrounds(scenario: string): readonly Ground[] {
  const all = grounds.map((ground) => ({
    ...ground,
    scenarios: ground.scenarios.filter(({ name }) => name.startsWith(scenario)),
  }));
  const chosen = all.filter(({ scenarios }) => scenarios.length > 0);
  if (chosen.length > 0) return chosen;
  const names = new Set(grounds.flatMap(({ scenarios }) => scenarios.map(({ name }) => name)));
  throw new Error(`--scenario ${scenario}: expected the beginning of ${[...names].join(' | ')}`);
}

async function sweep(ground: Ground, all: boolean): Promise<readonly Suffered[]> {
  const bench = await Bench.prepare(ground);
  try {
    const suffered: Suffered[] = [];
    for (const scenario of ground.scenarios) {
      const calm = await bench.calm(scenario);
      for (const blow of all ? everyBlow(calm.asked) : chosenBlows(calm, ground))
        suffered.push(told(await bench.suffer(calm, blow)));
    }
    return suffered;
  } finally {
    await bench.end();
  }
}

function told(one: Suffered): Suffered {
  const { scenario, nth, at, request, head, violations } = one;
  process.stderr.write(`${scenario}, ${nth} (${request}) at its ${at}: ${head} ${violations.join('; ')}\n`);
  return one;
}

function everyBlow(asked: readonly string[]): readonly Blow[] {
  return asked.flatMap((_, at): Blow[] => [
    { nth: at + 1, at: 'request' },
    { nth: at + 1, at: 'answer' },
  ]);
}

function chosenBlows({ asked }: Calm, { tier }: Ground): readonly Blow[] {
  const names = asked.map(nameOf);
  const isRead = (nth: number) => /^(GET|HEAD|list) /.test(names[nth - 1] ?? '');
  const isChosen = (nth: number) => {
    const name = names[nth - 1] ?? '';
    if (/^(PUT (head|log)|DELETE of)/.test(name)) return true;
    if (tier === 'B') return false;
    const isFirst = names.indexOf(name) === nth - 1;
    return isFirst || (!isRead(nth) && (names.lastIndexOf(name) === nth - 1 || nth % 16 === 0));
  };
  return everyBlow(asked).filter(({ nth, at }) => isChosen(nth) && (at === 'request' || !isRead(nth)));
}
