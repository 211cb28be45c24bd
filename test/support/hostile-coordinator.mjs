/**
 * A coordinator to be killed. `work ORDER`: opens an executor, prints each group as the executor tells it and how the
 * attempt ended. `reap GROUPS`: what a later run does first; prints the groups that were killed.
 */
import { fileURLToPath } from 'node:url';
import { createProcessesKind } from '../../dist/executors/processes/index.js';

const entry = fileURLToPath(new URL('hostile-worker.mjs', import.meta.url));
const kind = createProcessesKind({ entry });
const [verb, argument] = process.argv.slice(2);
const say = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);

if (verb === 'work') {
  const executor = kind.open({ workers: 1, onStart: say, onEnd: say });
  say(await executor.execute(JSON.parse(argument)));
  await executor.close();
} else {
  say(await kind.reap(JSON.parse(argument)));
}
