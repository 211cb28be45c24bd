import { parseArgs } from 'node:util';
import { Bench, type Blow, type Scenario, type Suffered, scenarios } from './request-bench.js';
import { type RequestsReport, requestsSummary, requestsText, writeRequests } from './requests-report.js';

/**
 * `npm run torture -- --requests [--all] [--write]`: a publish to a bucket is killed at its first request, at its second, at
 * its third …, before the store has it and when the store has done it. Every request after the last upload, and every fifth
 * up to there; what only reads, before. With `--all` everything.
 */
export async function requests(argv: readonly string[]): Promise<number> {
  const flag = { type: 'boolean' } as const;
  const { values } = parseArgs({ args: [...argv], options: { requests: flag, all: flag, write: flag } });
  const startedAt = performance.now();
  const suffered: Suffered[] = [];
  for (const scenario of scenarios) suffered.push(...(await sweep(scenario, values.all ?? false)));
  const seconds = Math.round((performance.now() - startedAt) / 1000);
  const report: RequestsReport = { date: new Date().toISOString().slice(0, 10), seconds, suffered };
  process.stdout.write(`${requestsText(report)}\n\nrequests: ${requestsSummary(report)}\n`);
  if (values.write) await writeRequests(report);
  return suffered.some(({ violations }) => violations.length > 0) ? 1 : 0;
}

/** Benches at once: half of the time a run starts or waits. */
const lanes = 2;

async function sweep(scenario: Scenario, all: boolean): Promise<readonly Suffered[]> {
  const benches = await Promise.all(Array.from({ length: lanes }, () => Bench.prepare(scenario)));
  try {
    const blows = [...(all ? everyBlow : chosenBlows)(benches[0]?.asked ?? [])];
    const suffered: Suffered[] = [];
    const strike = async (bench: Bench) => {
      for (let blow = blows.shift(); blow; blow = blows.shift()) suffered.push(told(await bench.suffer(blow)));
    };
    await Promise.all(benches.map(strike));
    return suffered;
  } finally {
    for (const bench of benches) await bench.end();
  }
}

function told(one: Suffered): Suffered {
  const { publish, nth, at, request, head, violations } = one;
  process.stderr.write(`${publish}, ${nth} (${request}) at its ${at}: ${head} ${violations.join('; ')}\n`);
  return one;
}

function everyBlow(asked: readonly string[]): readonly Blow[] {
  return asked.flatMap((_, at): Blow[] => [
    { nth: at + 1, at: 'request' },
    { nth: at + 1, at: 'answer' },
  ]);
}

function chosenBlows(asked: readonly string[]): readonly Blow[] {
  const published = asked.findLastIndex((line) => /^(PUT|POST) \S+\/b\//.test(line)) + 1;
  const isRead = (line = '') => /^(GET|HEAD) /.test(line);
  return everyBlow(asked).filter(
    ({ nth, at }) => (nth > published || nth % 5 === 1) && (at === 'request' || !isRead(asked[nth - 1])),
  );
}
