import { compileMatch } from '../domain/match.js';
import { stratifiedSample } from '../domain/sample.js';
import type { AssetKey, Inventory, Job } from '../domain/types.js';
import type { DryRunWish } from './dry-run-options.js';
import { assetsAmong } from './files-from.js';
import { localSource } from './local-source.js';
import type { DryRunRecord } from './render/dry-run.js';
import type { RunCall } from './run-call.js';

/** The assets of a dry run, and how it came to them. */
export interface Chosen {
  readonly keys: ReadonlySet<AssetKey>;
  readonly counts: DryRunRecord['dryRun']['chosen'];
}

/** First the named files, then the globs, then a sample of what is left. */
export function chooseAssets({ context, project }: RunCall, job: Job, { assets }: Inventory, wish: DryRunWish): Chosen {
  const root = localSource(job);
  const bases = [
    process.cwd(),
    project.folder,
    ...(context.env.GITHUB_WORKSPACE ? [context.env.GITHUB_WORKSPACE] : []),
  ];
  const known = new Set(assets.map(({ key }) => key));
  const listed = wish.files && assetsAmong(wish.files, { bases, root, known });
  const recipesFor = compileMatch(job.recipes);
  const wanted = assets
    .filter(({ key }) => (!listed || listed.keys.has(key)) && (!wish.only || wish.only(key)))
    .map(({ key, bytes }) => ({ key, bytes, recipes: recipesFor(key).map(({ name }) => name) }));
  const matched = wanted.filter(({ recipes }) => recipes.length > 0);
  const sampled = wish.sample === undefined ? matched : stratifiedSample(matched, wish.sample);
  const { gone = 0, outside = 0 } = listed ?? {};
  const counts = {
    assets: sampled.length,
    of: assets.length,
    unmatched: wanted.length - matched.length,
    gone,
    outside,
  };
  return { keys: new Set(sampled.map(({ key }) => key)), counts };
}
