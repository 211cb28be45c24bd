#!/usr/bin/env node
/**
 * `npm run torture -- --kills 200 [--seed N] [--json]`: kills at random moments (`torture.ts`).
 * `npm run torture -- --matrix [--points a,b] [--faults a,b] [--write]`: every fault at every point (`matrix.ts`).
 * Both run without a build of their own.
 */
import { createJiti } from 'jiti';

const argv = process.argv.slice(2);
const jiti = createJiti(import.meta.url);
const main = argv.includes('--matrix')
  ? (await jiti.import('./matrix.ts')).matrix
  : (await jiti.import('./torture.ts')).torture;
process.exitCode = await main(argv);
