#!/usr/bin/env node
import { main } from '../dist/bundle/cli.js';

/** A job file is code: one that calls `process.exit` or waits for ever must not look like a command that succeeded. */
let ended = false;
process.on('exit', (code) => {
  if (ended || (code !== 0 && code !== 13)) return;
  process.stderr.write(
    'nightpress: ended before the command was; does the job file call process.exit, or wait for ever?\n',
  );
  process.exitCode = 2;
});

try {
  process.exitCode = await main(process.argv.slice(2));
} finally {
  ended = true;
}
process.exit(); // a timer that a job file left behind keeps nothing alive
