#!/usr/bin/env node
/** `npm run torture:edges`: see `edge-torture.ts`; without a build of its own. */
import { createJiti } from 'jiti';

process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
const { edgeTorture } = await createJiti(import.meta.url).import('./edge-torture.ts');
process.exitCode = await edgeTorture(process.argv.slice(2));
