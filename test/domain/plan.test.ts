import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CostModel } from '../../src/domain/cost.js';
import { askedAgain, type RecipeFacts } from '../../src/domain/decide.js';
import { itemId, sha256 } from '../../src/domain/digest.js';
import { composeEntry } from '../../src/domain/entries.js';
import { itemFingerprint, recipeDigest, recipeSetDigest } from '../../src/domain/fingerprint.js';
import { compareInventory, type KnownListing } from '../../src/domain/inventory.js';
import { compileMatch } from '../../src/domain/match.js';
import { fingerprintsOf, type Plan, type PlanInput, planCollisions, planItems } from '../../src/domain/plan.js';
import type { AssetKey, Digest, Entry, Finding, Made, Recipe } from '../../src/domain/types.js';
import type { NewItem } from '../../src/state/contract.js';

/** A library of named contents, and everything a night remembers, in memory. */
interface World {
  readonly files: Readonly<Record<AssetKey, string>>;
  readonly recipes: readonly Recipe[];
  /** Keys that are listed with a problem. */
  readonly broken: readonly AssetKey[];
  readonly unreadable: readonly string[];
  /** Contents that every recipe refuses. */
  readonly bad: readonly string[];
  readonly known: ReadonlyMap<AssetKey, KnownListing>;
  readonly live: ReadonlyMap<AssetKey, Entry>;
  readonly made: ReadonlyMap<Digest, Made>;
  readonly quarantined: ReadonlyMap<Digest, Finding>;
}

const problem: Finding = { code: 'permission-denied', severity: 'error', message: 'mode 0000' };
const refused: Finding = { code: 'decode-failed', severity: 'error', class: 'input', message: 'not a picture' };
const limits = { wallMs: 1, memoryBytes: 1, outputBytes: 1 };

const pictures: Recipe = {
  name: 'pictures',
  kind: 'image',
  match: ['**/*.jpg'],
  path: '{key}/{variant}.{ext}',
  settings: { widths: [320, 640] },
  limits,
  priority: 0,
};
const rest: Recipe = {
  name: 'rest',
  kind: 'copy',
  match: ['**/*.{pdf,jpg}'],
  path: 'o/{key}',
  settings: {},
  limits,
  priority: 0,
};

const empty: World = {
  files: {},
  recipes: [pictures, rest],
  broken: [],
  unreadable: [],
  bad: [],
  known: new Map(),
  live: new Map(),
  made: new Map(),
  quarantined: new Map(),
};

function factsOf(recipe: Recipe): RecipeFacts {
  const outputs = () =>
    recipe.kind === 'copy'
      ? [{ variant: 'original', ext: '{ext}' }]
      : [320, 640].map((width) => ({ variant: `${width}w`, ext: 'webp' }));
  const kind = { usesExtension: recipe.kind === 'copy', outputs, priorSeconds: (_: unknown, bytes: number) => bytes };
  return { recipe, digest: recipeDigest(recipe, 1, { tool: '1' }), kind };
}

function night(world: World, more: Partial<PlanInput> = {}) {
  const facts = new Map(world.recipes.map((recipe) => [recipe.name, factsOf(recipe)]));
  const recipeSet = recipeSetDigest(facts.values());
  const recipesFor = compileMatch(world.recipes);
  const hidden = (key: string) => world.unreadable.some((prefix) => key.startsWith(prefix));
  const assets = Object.entries(world.files)
    .filter(([key]) => !hidden(key))
    .map(([key, content]) => ({
      key,
      bytes: content.length,
      modifiedAt: 0,
      listing: `listing ${content}`,
      settled: true,
      problem: world.broken.includes(key) ? problem : undefined,
    }));
  const comparison = compareInventory({
    inventory: { assets, findings: [], unreadable: world.unreadable },
    known: world.known,
    recipeSet,
    matchCount: (key) => recipesFor(key).length,
  });
  const input: PlanInput = {
    comparison,
    known: world.known,
    recipesFor,
    facts,
    base: world.live,
    withheld: new Map(),
    made: world.made,
    quarantined: world.quarantined,
    collisions: () => planCollisions(Object.keys(world.files), { recipesFor, facts }),
    costs: new CostModel(),
    priority: () => 0,
    workers: 2,
    ...more,
  };
  return { input, plan: planItems(input), recipeSet, recipesFor, facts };
}

/** Works a plan and publishes it, as the engine would. */
function publish(world: World): World {
  const { plan, input, recipeSet, recipesFor, facts } = night(world);
  const [live, known] = [new Map(world.live), new Map(world.known)];
  const [made, quarantined] = [new Map(world.made), new Map(world.quarantined)];
  for (const { key, kind, asset, recipes, sha256: before } of input.comparison.changes) {
    if (kind === 'removed') {
      live.delete(key);
      known.delete(key);
      continue;
    }
    const content = sha256(world.files[key] ?? '');
    const rows = plan.items.filter((row) => row.key === key);
    const ended = rows.map((row) => {
      const recipe = facts.get(row.recipe);
      if (row.disposition !== undefined || !recipe)
        return { recipe: row.recipe, disposition: row.disposition ?? 'failed', sha256: before };
      const fingerprint = itemFingerprint({ sha256: content, key, recipe });
      if (world.bad.includes(world.files[key] ?? '')) {
        quarantined.set(fingerprint, refused);
        return {
          recipe: row.recipe,
          disposition: live.get(key)?.items[row.recipe] ? 'carried' : 'failed',
          sha256: content,
        } as const;
      }
      const outputs = recipe.kind.outputs(recipe.recipe.settings).map(({ variant, ext }) => ({
        variant,
        ext: ext === '{ext}' ? 'bin' : ext,
        sha256: sha256(`${fingerprint} ${variant}`),
        bytes: 1,
        type: 'x/y',
      }));
      made.set(fingerprint, { fingerprint, source: { type: 'x/y' }, outputs });
      return {
        recipe: row.recipe,
        disposition: 'done',
        sha256: content,
        bytes: 1,
        made: made.get(fingerprint),
      } as const;
    });
    const entry = composeEntry({
      key,
      recipes: recipesFor(key),
      ended: new Map(ended.map((item) => [item.recipe, item])),
      base: live.get(key),
    });
    if (entry) live.set(key, entry);
    else live.delete(key);
    const whole = ended.every((item) => item.disposition === 'done');
    if (!asset || kind === 'unreadable') continue;
    known.set(key, { listing: asset.listing, sha256: content, recipes, settled: whole ? recipeSet : undefined });
  }
  return { ...world, live, known, made, quarantined };
}

const reasons = (plan: Plan) =>
  plan.items.map(({ key, recipe, because, disposition }) => [
    recipe,
    key,
    because,
    ...(disposition ? [disposition] : []),
  ]);
const published = publish({ ...empty, files: { 'a.jpg': 'one', 'b.pdf': 'two', 'c.txt': 'three' } });

describe('planItems says why', () => {
  it('a new asset', () => {
    const { plan } = night({ ...empty, files: { 'a.jpg': 'one', 'b.pdf': 'two', 'c.txt': 'three' } });
    expect(reasons(plan)).toEqual([
      ['pictures', 'a.jpg', 'new asset'],
      ['rest', 'a.jpg', 'new asset'],
      ['rest', 'b.pdf', 'new asset'],
    ]);
    expect(plan.assets).toEqual({ total: 3, added: 3, changed: 0, unchanged: 0, removed: 0, unmatched: 1 });
  });

  it('nothing, when nothing changed', () => {
    const { plan } = night(published);
    expect(plan).toMatchObject({ items: [], partitions: [], unchangedItems: 3, predictedSeconds: 0 });
    expect(plan.assets).toEqual({ total: 3, added: 0, changed: 0, unchanged: 3, removed: 0, unmatched: 1 });
  });

  it('a changed listing, an unknown one, a young one', () => {
    const files = { ...published.files, 'b.pdf': 'other' };
    expect(reasons(night({ ...published, files }).plan)).toEqual([
      ['rest', 'b.pdf', 'its size, time or version at the source changed'],
    ]);
    const adopted = new Map(
      [...published.known].map(([key, row]) => [key, { ...row, listing: undefined, settled: undefined }]),
    );
    expect(reasons(night({ ...published, known: adopted }).plan)[2]).toEqual(['rest', 'b.pdf', 'never read here']);
    const { comparison } = night({ ...published, files }).input;
    const changes = comparison.changes.map((change) => ({
      ...change,
      asset: change.asset && { ...change.asset, settled: false },
    }));
    const young = night({ ...published, files }, { comparison: { ...comparison, changes } }).plan;
    expect(reasons(young)).toEqual([['rest', 'b.pdf', 'changed within 2 s of being listed, too young to be trusted']]);
  });

  it('changed settings, for the items they concern; the others are settled without a row', () => {
    const recipes = [{ ...pictures, settings: { widths: [100] } }, rest];
    const { plan } = night({ ...published, recipes });
    expect(reasons(plan)).toEqual([['pictures', 'a.jpg', 'recipe or tools changed']]);
    expect(plan.items[0]?.fingerprint).toBe(
      itemFingerprint({ sha256: sha256('one'), key: 'a.jpg', recipe: factsOf(recipes[0] ?? rest) }),
    );
    expect(plan.unchangedItems).toBe(2);
    expect(plan.assets).toMatchObject({ unchanged: 3, changed: 0 });
  });

  it('a recipe that is new for the asset, and one that no longer matches', () => {
    const large = { ...pictures, name: 'large', path: 'large/{key}/{variant}.{ext}', settings: { widths: [9000] } };
    const { plan } = night({ ...published, recipes: [large, { ...rest, match: ['**/*.{pdf,txt}'] }] });
    expect(reasons(plan)).toEqual([
      ['large', 'a.jpg', 'recipe new for this asset'],
      ['rest', 'c.txt', 'recipe new for this asset'],
    ]);
    expect(plan.droppedItems).toEqual([
      { key: 'a.jpg', recipe: 'pictures' },
      { key: 'a.jpg', recipe: 'rest' },
    ]);
  });

  it('no row for an asset that only has to lose an item', () => {
    const { plan } = night({ ...published, recipes: [pictures] });
    expect(plan.items).toEqual([]);
    expect(plan.droppedItems.map(({ key }) => key)).toEqual(['a.jpg', 'b.pdf']);
  });

  it('a changed path template, without work beyond reading the asset', () => {
    const { plan } = night({ ...published, recipes: [{ ...pictures, path: 'img/{key}/{variant}.{ext}' }, rest] });
    expect(reasons(plan)).toEqual([['pictures', 'a.jpg', 'public path changed']]);
    expect(plan.predictedSeconds).toBeLessThan(0.1);
  });

  it('a remembered result', () => {
    const { plan } = night({ ...published, live: new Map() });
    expect(plan.items).toEqual([]); // settled against a snapshot is the state's word; it is unsettled when the live one changes
    const unsettled = new Map([...published.known].map(([key, row]) => [key, { ...row, settled: undefined }]));
    const lost = night({ ...published, live: new Map(), known: unsettled }).plan;
    expect(new Set(lost.items.map((row) => row.because))).toEqual(new Set(['made before under the same fingerprint']));
    const forgotten = night({ ...published, live: new Map(), known: unsettled, made: new Map() }).plan;
    expect(new Set(forgotten.items.map((row) => row.because))).toEqual(new Set(['never made']));
  });

  it('other content in the live snapshot', () => {
    const older = publish({ ...empty, files: { ...published.files, 'b.pdf': 'older' } });
    const known = new Map([...published.known].map(([key, row]) => [key, { ...row, settled: undefined }]));
    const { plan } = night({ ...published, known, live: older.live, made: new Map() });
    expect(reasons(plan)).toEqual([['rest', 'b.pdf', 'live snapshot holds other content']]);
  });

  it('an earlier failure that is worth another try', () => {
    const live = new Map(published.live);
    const entry = live.get('b.pdf');
    const item = entry?.items.rest;
    if (!entry || !item) throw new Error('b.pdf was published');
    live.set('b.pdf', { ...entry, items: { rest: { ...item, carried: 'unread' } } });
    const known = new Map(published.known).set('b.pdf', { listing: 'listing two', sha256: sha256('two'), recipes: 1 });
    const { plan } = night({ ...published, live, known });
    expect(reasons(plan)).toEqual([['rest', 'b.pdf', 'carried since an earlier failure: trying again']]);
  });

  it('known bad content: the last good derivatives stay, or there is nothing to show', () => {
    const because = 'known bad: decode-failed; not tried again until content, recipe or tools change';
    const after = publish({
      ...published,
      files: { ...published.files, 'b.pdf': 'bad', 'z.pdf': 'bad' },
      bad: ['bad'],
    });
    const { plan } = night(after);
    expect(reasons(plan)).toEqual([
      ['rest', 'b.pdf', because, 'carried'],
      ['rest', 'z.pdf', because, 'quarantined'],
    ]);
    expect(plan.items[1]?.finding).toMatchObject({ code: 'decode-failed', key: 'z.pdf', recipe: 'rest' });
    expect(plan.partitions).toEqual([]);
    const mended = night({ ...after, files: { ...after.files, 'b.pdf': 'good' } }).plan;
    expect(reasons(mended)[0]).toEqual(['rest', 'b.pdf', 'its size, time or version at the source changed']);
  });

  it('what cannot be read: below a folder, or an asset', () => {
    const below = publish({ ...empty, files: { 'in/a.pdf': 'a', 'in/b.txt': 'b' } });
    const { plan } = night({ ...below, unreadable: ['in/'] });
    expect(reasons(plan)).toEqual([['rest', 'in/a.pdf', 'cannot be read: not-listed', 'carried']]);
    expect(plan.assets).toMatchObject({ total: 2, removed: 0, unmatched: 1 });
    const files = { ...published.files, 'n.pdf': 'new' };
    expect(reasons(night({ ...published, files, broken: ['b.pdf', 'n.pdf'] }).plan)).toEqual([
      ['rest', 'b.pdf', 'cannot be read: permission-denied', 'carried'],
      ['rest', 'n.pdf', 'cannot be read: permission-denied', 'failed'],
    ]);
  });

  it('a collision of public paths; what is live already keeps its place', () => {
    const { plan } = night({ ...published, files: { ...published.files, 'A.JPG': 'x', 'B.pdf': 'y' } });
    expect(reasons(plan)).toEqual([['rest', 'B.pdf', 'not made: path-collision', 'failed']]);
    expect(plan.items[0]?.finding?.message).toContain("'b.pdf'");
    const both = night({ ...empty, files: { 'b.pdf': 'x', 'B.pdf': 'y' } }).plan;
    expect(both.items.map((row) => row.disposition)).toEqual(['failed', 'failed']);
  });

  it('an order to make again, whatever is remembered', () => {
    const known = new Map([...published.known].map(([key, row]) => [key, { ...row, settled: undefined }]));
    const { plan } = night(
      { ...published, known },
      { remake: (recipe, key) => (recipe === 'rest' && key === 'a.jpg' ? askedAgain : undefined) },
    );
    expect(reasons(plan)).toEqual([['rest', 'a.jpg', 'asked to be made again']]);
  });

  it('an order to make again even what is known bad', () => {
    const after = publish({ ...empty, files: { 'z.pdf': 'bad' }, bad: ['bad'] });
    const { plan } = night(after, { remake: () => askedAgain });
    expect(reasons(plan)).toEqual([['rest', 'z.pdf', askedAgain]]);
    expect(plan.items[0]?.partition).toBeDefined();
  });

  it('nothing of a removed asset, which is only named', () => {
    const { plan } = night({ ...published, files: { 'c.txt': 'three' } });
    expect(plan).toMatchObject({ items: [], removedKeys: ['a.jpg', 'b.pdf'], droppedItems: [] });
    expect(plan.assets).toMatchObject({ total: 1, removed: 2, unchanged: 1 });
  });
});

describe('planItems', () => {
  it('asks for collisions only when something is about to be worked', () => {
    const collisions = () => {
      throw new Error('asked');
    };
    const known = new Map([...published.known].map(([key, row]) => [key, { ...row, settled: undefined }]));
    expect(night({ ...published, known }, { collisions }).plan.items).toEqual([]);
  });

  it('hands out every item that has not ended, and only those', () => {
    const { plan } = night({
      ...published,
      files: { 'a.jpg': 'new', 'b.pdf': 'new', 'x.pdf': 'x' },
      broken: ['b.pdf'],
    });
    const ids = new Set(plan.partitions.map(({ id }) => id));
    for (const row of plan.items)
      expect(row.partition !== undefined && ids.has(row.partition)).toBe(row.disposition === undefined);
    expect(plan.partitions.reduce((sum, { items }) => sum + items, 0)).toBe(3);
  });

  it('speaks the language of the state', () => {
    const { plan, input } = night({ ...empty, files: { 'a.jpg': 'one' } });
    const items: readonly NewItem[] = plan.items;
    expect([items.length, plan.partitions.length]).toEqual([2, 2]);
    expect(fingerprintsOf(input)).toEqual([]);
  });

  it('tells which fingerprints it needs to know about', () => {
    const { input } = night({ ...published, recipes: [{ ...pictures, settings: {} }, rest] });
    const wanted = [pictures, rest].map((recipe, index) =>
      itemFingerprint({
        sha256: sha256('one'),
        key: 'a.jpg',
        recipe: factsOf(index === 0 ? { ...recipe, settings: {} } : recipe),
      }),
    );
    expect(fingerprintsOf(input)).toEqual(expect.arrayContaining(wanted));
    expect(fingerprintsOf(input)).toHaveLength(3);
  });
});

const key = fc.constantFrom('a.jpg', 'A.jpg', 'b.pdf', 'in/c.jpg', 'in/d.pdf', 'in/e.txt', 'f.txt');
const someFiles = fc.dictionary(key, fc.constantFrom('one', 'two', 'bad'), { maxKeys: 7 });
const someRecipes = fc.constantFrom<readonly Recipe[]>(
  [pictures, rest],
  [pictures],
  [{ ...pictures, settings: { widths: [1] } }, rest],
  [
    { ...pictures, path: 'p/{dir}/{name}/{variant}.{ext}' },
    { ...rest, match: ['**/*'] },
  ],
);
const someNights = fc.array(
  fc.record({
    files: someFiles,
    recipes: someRecipes,
    broken: fc.subarray(['a.jpg', 'b.pdf']),
    unreadable: fc.constantFrom<readonly string[]>([], ['in/']),
  }),
  { minLength: 1, maxLength: 4 },
);

describe('over any sequence of nights', () => {
  function worldAfter(nights: readonly Partial<World>[]): World {
    let world = empty;
    for (const change of nights) world = publish({ ...world, ...change, bad: ['bad'] });
    return world;
  }

  it('every item has exactly one place, and every row a reason', () => {
    fc.assert(
      fc.property(someNights, (nights) => {
        const last = nights.at(-1);
        const { plan, input } = night({ ...worldAfter(nights.slice(0, -1)), ...last, bad: ['bad'] });
        const hidden = input.comparison.changes.filter((change) => change.kind === 'unreadable' && !change.asset);
        const isHidden = (name: string) => (last?.unreadable ?? []).some((prefix) => name.startsWith(prefix));
        const listed = Object.keys(last?.files ?? {}).filter((name) => !isHidden(name));
        const names = [...listed, ...hidden.map((change) => change.key)];
        const total = names.reduce((sum, name) => sum + input.recipesFor(name).length, 0);
        expect(plan.unchangedItems + plan.items.length).toBe(total);
        expect(plan.assets.total).toBe(names.length);
        expect(new Set(plan.items.map(({ id }) => id)).size).toBe(plan.items.length);
        for (const row of plan.items) {
          expect(row.because).toMatch(/^[a-z].*[^ ]$/);
          expect(row.id).toBe(itemId(row.recipe, row.key));
          expect(row.finding === undefined).toBe(row.disposition === undefined);
        }
      }),
    );
  });

  it('a plan on its own published result asks for no work', () => {
    fc.assert(
      fc.property(someNights, (nights) => {
        const { plan } = night(worldAfter(nights));
        expect(plan.items.filter((row) => row.disposition === undefined)).toEqual([]);
      }),
    );
  });

  it('a plan on its own published result is empty when nothing failed', () => {
    const calm = fc.record({
      files: fc.dictionary(
        key.filter((name) => name !== 'A.jpg'),
        fc.constantFrom('one', 'two'),
      ),
      recipes: someRecipes,
    });
    fc.assert(
      fc.property(fc.array(calm, { minLength: 1, maxLength: 4 }), (nights) => {
        const { plan } = night(worldAfter(nights));
        expect(plan).toMatchObject({ items: [], droppedItems: [], removedKeys: [] });
        expect(plan.assets.unchanged).toBe(plan.assets.total);
      }),
    );
  });

  it('the order of the inventory does not matter', () => {
    fc.assert(
      fc.property(someNights, (nights) => {
        const world = worldAfter(nights.slice(0, -1));
        const last = { ...world, ...nights.at(-1) };
        const files = Object.fromEntries(Object.entries(last.files).toReversed());
        expect(night({ ...last, files }).plan).toEqual(night(last).plan);
      }),
    );
  });
});
