import { describe, expect, it } from 'vitest';
import { sha256 } from '../../src/domain/digest.js';
import { itemFingerprint, recipeDigest, recipeSetDigest } from '../../src/domain/fingerprint.js';
import type { Recipe } from '../../src/domain/types.js';

const recipe: Recipe = {
  name: 'pictures',
  kind: 'image',
  match: ['**/*.jpg'],
  path: '{key}/{variant}.{ext}',
  settings: { widths: [320, 640], formats: ['avif'], quality: { avif: 50 } },
  limits: { wallMs: 1, memoryBytes: 2, outputBytes: 3 },
  priority: 0,
};
const tools = { sharp: '0.35.5', libaom: '3.15.1', arch: 'x64' };

interface Case {
  readonly recipe: Recipe;
  readonly version: number;
  readonly tools: Readonly<Record<string, string>>;
  readonly sha256: ReturnType<typeof sha256>;
  readonly key: string;
  readonly usesExtension: boolean;
}
const plain: Case = { recipe, version: 1, tools, sha256: sha256('bytes'), key: 'a/hero.jpg', usesExtension: false };

function fingerprint(change: Partial<Case> = {}) {
  const { recipe, version, tools, sha256, key, usesExtension } = { ...plain, ...change };
  return itemFingerprint({
    sha256,
    key,
    recipe: { digest: recipeDigest(recipe, version, tools), kind: { usesExtension } },
  });
}

function recipeSet(change: Partial<Case> = {}) {
  const { recipe, version, tools } = { ...plain, ...change };
  return recipeSetDigest([{ recipe, digest: recipeDigest(recipe, version, tools) }]);
}

const shaping: Readonly<Record<string, Partial<Case>>> = {
  kind: { recipe: { ...recipe, kind: 'video' } },
  'a setting': { recipe: { ...recipe, settings: { ...recipe.settings, widths: [320] } } },
  'a setting deep inside': { recipe: { ...recipe, settings: { ...recipe.settings, quality: { avif: 51 } } } },
  'a new setting': { recipe: { ...recipe, settings: { ...recipe.settings, effort: 3 } } },
  'the order of a list': { recipe: { ...recipe, settings: { ...recipe.settings, widths: [640, 320] } } },
  'the processor version': { version: 2 },
  'a tool version': { tools: { ...tools, libaom: '3.15.2' } },
  'a new tool': { tools: { ...tools, libwebp: '1.4' } },
  arch: { tools: { ...tools, arch: 'arm64' } },
};
const placing: Readonly<Record<string, Partial<Case>>> = {
  'the name': { recipe: { ...recipe, name: 'photos' } },
  match: { recipe: { ...recipe, match: ['**/*.png'] } },
  'the path template': { recipe: { ...recipe, path: '{recipe}/{key}/{variant}.{ext}' } },
};
const bounding: Readonly<Record<string, Partial<Case>>> = {
  limits: { recipe: { ...recipe, limits: { wallMs: 10, memoryBytes: 20, outputBytes: 30 } } },
};
const reordered: Partial<Case> = {
  recipe: {
    ...recipe,
    settings: { quality: { avif: 50 }, formats: ['avif'], widths: [320, 640] },
  },
  tools: { arch: 'x64', libaom: '3.15.1', sharp: '0.35.5' },
};

describe('the fingerprint of an item', () => {
  it.each(Object.entries({ ...shaping, content: { sha256: sha256('other') } }))('changes with %s', (_what, change) => {
    expect(fingerprint(change)).not.toBe(fingerprint());
  });

  it.each(Object.entries({ ...placing, ...bounding, 'a rename': { key: 'b/other.png' } }))(
    'does not change with %s',
    (_what, change) => {
      expect(fingerprint(change)).toBe(fingerprint());
    },
  );

  it('does not depend on the order of keys', () => expect(fingerprint(reordered)).toBe(fingerprint()));

  it('holds the extension, in lower case, only where outputs depend on it', () => {
    const copied = (key: string) => fingerprint({ usesExtension: true, key });
    expect(copied('a.css')).not.toBe(copied('a.js'));
    expect(copied('a.css')).toBe(copied('b/c.CSS'));
    expect(copied('Makefile')).toBe(copied('x.y/.gitignore'));
  });

  it('is the sha256 of RFC 8785 JSON, written down here so that it never changes by accident', () => {
    expect(fingerprint()).toBe(sha256(`{"asset":"${sha256('bytes')}","recipe":"${recipeDigest(recipe, 1, tools)}"}`));
    expect(recipeDigest(recipe, 1, tools)).toBe(
      sha256(
        '{"kind":"image","settings":{"formats":["avif"],"quality":{"avif":50},"widths":[320,640]},' +
          '"tools":{"arch":"x64","libaom":"3.15.1","sharp":"0.35.5"},"version":1}',
      ),
    );
  });
});

describe('the digest of a recipe set', () => {
  it.each(Object.entries({ ...shaping, ...placing }))('changes with %s', (_what, change) => {
    expect(recipeSet(change)).not.toBe(recipeSet());
  });

  it.each(Object.entries(bounding))('does not change with %s', (_what, change) => {
    expect(recipeSet(change)).toBe(recipeSet());
  });

  it('does not depend on the order of keys or recipes', () => {
    expect(recipeSet(reordered)).toBe(recipeSet());
    const a = { recipe, digest: sha256('a') };
    const b = { recipe: { ...recipe, name: 'other' }, digest: sha256('b') };
    expect(recipeSetDigest([a, b])).toBe(recipeSetDigest([b, a]));
    expect(recipeSetDigest([a])).not.toBe(recipeSetDigest([a, b]));
  });
});
