#!/usr/bin/env node
/** `npm run torture -- --kills 200 [--seed N] [--json]`: the program is `torture.ts`, run without a build of its own. */
import { createJiti } from 'jiti';

const { torture } = await createJiti(import.meta.url).import('./torture.ts');
process.exitCode = await torture(process.argv.slice(2));
