import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Sharp } from 'sharp';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { WorkResult } from '../../src/processors/contract.js';
import { flawOf } from '../../src/processors/image/encode.js';
import { type ImageFormat, recipeKind } from '../../src/processors/image/recipe.js';
import { sharp } from '../../src/processors/image/sharp.js';
import { processor } from '../../src/processors/image/work.js';
import { attempt } from '../contracts/processors/suite.js';
import { distance, photo, plain } from '../support/pictures.js';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'nightpress-image-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

type Made = Extract<WorkResult, { ok: true }> & { read(file: string): Promise<Buffer> };

async function tryMaking(source: Sharp | Buffer, settings: Record<string, unknown>, key = 'a.jpg') {
  const bytes = Buffer.isBuffer(source) ? source : await source.toBuffer();
  const { result, outbox } = await attempt(folder, {
    kind: 'image',
    settings: { widths: [32], formats: ['png'], ...settings },
    input: { key, write: async (file) => await writeFile(file, bytes) },
  });
  return { result, outbox };
}

async function make(source: Sharp | Buffer, settings: Record<string, unknown> = {}, key?: string): Promise<Made> {
  const { result, outbox } = await tryMaking(source, settings, key);
  if (!result.ok) throw new Error(result.finding.message);
  return { ...result, read: (file) => readFile(path.join(outbox, file)) };
}

async function findingOf(source: Sharp | Buffer, settings: Record<string, unknown> = {}, key?: string) {
  const { result } = await tryMaking(source, settings, key);
  if (result.ok) throw new Error('it was accepted');
  return result.finding;
}

const namesOf = (made: Made) => made.outputs.map((output) => output.file);

async function colourOf(picture: Buffer): Promise<readonly number[]> {
  const { data, info } = await sharp(picture).raw().toBuffer({ resolveWithObject: true });
  const middle = (Math.floor(info.height / 2) * info.width + Math.floor(info.width / 2)) * info.channels;
  return [...data.subarray(middle, middle + info.channels)];
}

function expectColour(actual: readonly number[], wanted: readonly number[], tolerance: number): void {
  expect(actual.length).toBe(wanted.length);
  const off = Math.max(...actual.map((value, at) => Math.abs(value - (wanted[at] ?? 0))));
  expect(off, `${actual} is not ${wanted}`).toBeLessThanOrEqual(tolerance);
}

describe('sizes', () => {
  test('every width comes in every format, its height from the original', async () => {
    const made = await make(photo(300, 200).jpeg(), {
      widths: [200, 100, 33],
      formats: ['jpeg', 'webp', 'avif', 'png'],
    });
    expect(made.source).toEqual({ type: 'image/jpeg', width: 300, height: 200 });
    const sizes = made.outputs.map(({ variant, ext, type, width, height }) => [variant, ext, type, width, height]);
    expect(sizes).toHaveLength(12);
    expect(sizes).toContainEqual(['200w', 'avif', 'image/avif', 200, 133]);
    expect(sizes).toContainEqual(['100w', 'jpg', 'image/jpeg', 100, 67]);
    expect(sizes).toContainEqual(['33w', 'png', 'image/png', 33, 22]);
    for (const output of made.outputs) {
      const { width, height } = await sharp(await made.read(output.file)).metadata();
      expect([width, height]).toEqual([output.width, output.height]);
    }
  });

  test('widths at or above the source collapse into one, named by the width it has', async () => {
    const made = await make(photo(50, 20).png(), { widths: [32, 50, 64, 640] });
    expect(namesOf(made)).toEqual(['50w.png', '32w.png']);
  });

  test('a picture too tall for WebP is made at the greatest width that fits', async () => {
    const made = await make(plain(40, 20_000, '#3366cc').png(), { widths: [40], formats: ['webp'] });
    expect(made.outputs.map(({ width, height }) => [width, height])).toEqual([[32, 16_000]]);
  });

  test('a picture that fits at no width is a finding', async () => {
    expect((await findingOf(plain(1, 20_000, '#3366cc').png())).code).toBe('too-long');
  });

  test('the pixels are those of a direct resize', async () => {
    const source = await photo(900, 600).jpeg({ quality: 95 }).toBuffer();
    const made = await make(source, { widths: [640, 320, 100], formats: ['png'] });
    for (const { file, width, height } of made.outputs) {
      const direct = await sharp(source)
        .resize(width, height, { fit: 'fill', fastShrinkOnLoad: false })
        .png()
        .toBuffer();
      expect(await distance(await made.read(file), direct)).toBeLessThan(2);
    }
  });

  test('lossy formats stay close to the pixels', async () => {
    const source = await photo(300, 200).png().toBuffer();
    const made = await make(source, { widths: [300], formats: ['jpeg', 'webp', 'avif'] });
    for (const { file } of made.outputs) expect(await distance(await made.read(file), source)).toBeLessThan(10);
  });
});

/** Cut off, one bit turned, or zeroed for a stretch; the same for the same `n`. */
function damage(whole: Buffer, n: number): Buffer {
  const at = (n * 7919) % whole.length;
  if (n % 3 === 0) return whole.subarray(0, at);
  const bytes = Buffer.from(whole);
  if (n % 3 === 1) bytes[at] = (bytes[at] ?? 0) ^ (1 << (n % 8));
  else bytes.fill(0, at, at + Math.min(64, whole.length - at));
  return bytes;
}

/** By the way that keeps every pixel, with the same type and size. */
async function decodes(bytes: Buffer, format: ImageFormat): Promise<boolean> {
  try {
    const open = () => sharp(bytes, { failOn: 'warning' });
    const { width, height, format: found, exif, xmp, iptc, icc, orientation } = await open().metadata();
    await open().raw().toBuffer();
    const type = found === 'heif' ? 'avif' : found;
    return type === format && width === 160 && height === 120 && !exif && !xmp && !iptc && !icc && !orientation;
  } catch {
    return false;
  }
}

describe('an output is proved', () => {
  const proof = async (change: (picture: Sharp) => Sharp, format: ImageFormat, width = 64) => {
    const size = { width, height: 48 };
    const bytes = await change(photo(64, 48)).toFormat(format).toBuffer();
    return { flaw: await flawOf(bytes, format, size), cut: await flawOf(bytes.subarray(0, -40), format, size) };
  };
  const asItIs = (picture: Sharp) => picture;

  test.each<ImageFormat>(['jpeg', 'webp', 'avif', 'png'])('%s: whole it passes, cut it does not', async (format) => {
    const { flaw, cut } = await proof(asItIs, format);
    expect(flaw).toBeUndefined();
    expect(cut).toMatch(/^does not decode|^is nothing known/);
  });

  test.each<ImageFormat>(['jpeg', 'webp', 'avif', 'png'])(
    '%s: damage is refused as by a full decode',
    async (format) => {
      const whole = await photo(160, 120).toFormat(format).toBuffer();
      const damaged = Array.from({ length: 60 }, (_, n) => damage(whole, n));
      const refused = await Promise.all(
        damaged.map(async (bytes) => (await flawOf(bytes, format, { width: 160, height: 120 })) !== undefined),
      );
      expect(refused).toEqual(await Promise.all(damaged.map(async (bytes) => !(await decodes(bytes, format)))));
      expect(new Set(refused).has(true)).toBe(true);
    },
  );

  test('another size, another type and metadata are flaws', async () => {
    expect((await proof(asItIs, 'webp', 65)).flaw).toBe('is 64x48, expected 65x48');
    expect((await proof((picture) => picture.keepIccProfile().withIccProfile('p3'), 'jpeg')).flaw).toMatch('metadata');
    const png = await photo(64, 48).png().toBuffer();
    expect(await flawOf(png, 'jpeg', { width: 64, height: 48 })).toBe('is image/png, expected image/jpeg');
  });
});

describe('what a picture carries', () => {
  test.each([1, 2, 3, 4, 5, 6, 7, 8])('orientation %i is applied', async (orientation) => {
    const source = await photo(60, 40).withMetadata({ orientation }).jpeg({ quality: 95 }).toBuffer();
    const made = await make(source, { widths: [1000] });
    const [output] = made.outputs;
    expect([output.width, output.height]).toEqual(orientation < 5 ? [60, 40] : [40, 60]);
    expect(made.source).toMatchObject({ width: output.width, height: output.height });
    const upright = await sharp(source).autoOrient().png().toBuffer();
    expect(await distance(await made.read(output.file), upright)).toBeLessThan(1);
  });

  test('positions, names and profiles do not get out', async () => {
    const exif = {
      IFD0: { Artist: 'Somebody', Copyright: 'Somebody' },
      IFD3: { GPSLatitudeRef: 'N', GPSLatitude: '52/1 31/1 0/1' },
    };
    const source = await photo(60, 40)
      .withExif(exif)
      .withXmp('<x:xmpmeta xmlns:x="adobe:ns:meta/">secret</x:xmpmeta>')
      .withIccProfile('p3')
      .jpeg()
      .toBuffer();
    expect((await sharp(source).metadata()).exif?.includes('Somebody')).toBe(true);
    const made = await make(source, { formats: ['jpeg', 'webp', 'avif', 'png'] });
    for (const { file } of made.outputs) {
      const bytes = await made.read(file);
      const { exif, xmp, iptc, icc, orientation } = await sharp(bytes).metadata();
      expect({ exif, xmp, iptc, icc, orientation }).toEqual({});
      expect(bytes.includes('Somebody') || bytes.includes('secret')).toBe(false);
    }
  });

  test('of an animation the first frame is taken, and that is said', async () => {
    const frames = [plain(20, 20, '#cc0000'), plain(20, 20, '#00cc00')];
    const buffers = await Promise.all(frames.map((frame) => frame.png().toBuffer()));
    const made = await make(sharp(buffers, { join: { animated: true } }).gif(), {}, 'a.gif');
    expect(made.findings.map((finding) => finding.code)).toEqual(['first-page']);
    expectColour((await colourOf(await made.read('20w.png'))).slice(0, 3), [204, 0, 0], 3);
  });
});

describe('colours', () => {
  const colour = '#c83250';
  const numbers = [200, 50, 80];
  const solid = () => sharp({ create: { width: 64, height: 64, channels: 3, background: colour } });

  test.each<[string, () => Sharp, number]>([
    ['16 bits', () => solid().toColourspace('rgb16').png(), 1],
    ['16 bits with an sRGB profile', () => solid().toColourspace('rgb16').withIccProfile('srgb').png(), 1],
    ['16 bits with a Display P3 profile', () => solid().toColourspace('rgb16').withIccProfile('p3').png(), 1],
    ['a Display P3 profile', () => solid().withIccProfile('p3').png(), 1],
    ['an sRGB profile', () => solid().withIccProfile('srgb').jpeg({ quality: 100 }), 2],
    ['CMYK', () => solid().toColourspace('cmyk').withIccProfile('cmyk').tiff(), 18],
    ['a palette', () => solid().png({ palette: true }), 1],
  ])('%s becomes 8-bit sRGB', async (_name, source, tolerance) => {
    const made = await make(source());
    const picture = await made.read('32w.png');
    expect(await sharp(picture).metadata()).toMatchObject({ space: 'srgb', depth: 'uchar', hasProfile: false });
    expectColour(await colourOf(picture), numbers, tolerance);
  });

  test('grey stays grey', async () => {
    const made = await make(solid().greyscale().jpeg({ quality: 100 }));
    const [red = 0, green, blue] = await colourOf(await made.read('32w.png'));
    expect([green, blue]).toEqual([red, red]);
  });

  test('transparency is kept where the format can, and shown on the background where it cannot', async () => {
    const made = await make(plain(64, 64, 'rgba(200, 50, 80, 0.5)').png(), {
      formats: ['png', 'webp', 'avif', 'jpeg'],
      background: '#0000ff',
    });
    expectColour(await colourOf(await made.read('32w.png')), [200, 50, 80, 128], 2);
    expectColour(await colourOf(await made.read('32w.webp')), [200, 50, 80, 128], 8);
    expectColour(await colourOf(await made.read('32w.avif')), [200, 50, 80, 128], 8);
    expectColour(await colourOf(await made.read('32w.jpg')), [100, 25, 167], 4);
  });
});

describe('bad sources', () => {
  test('content decides, not the name', async () => {
    expect((await make(photo(40, 40).png(), {}, 'really.jpg')).source.type).toBe('image/png');
  });

  test('a picture with stray bytes, as cameras write them, is used and marked', async () => {
    const whole = await photo(64, 64).jpeg().toBuffer();
    const tables = whole.indexOf(Buffer.from([0xff, 0xc4]));
    const stray = Buffer.concat([whole.subarray(0, tables), Buffer.from([1, 2]), whole.subarray(tables)]);
    const made = await make(stray);
    expect(made.findings.map((finding) => finding.code)).toEqual(['degraded-source']);
    expect(await distance(await made.read('32w.png'), await (await make(whole)).read('32w.png'))).toBe(0);
  });

  test('a picture whose data ends early is never published half grey, end mark or not', async () => {
    const whole = await photo(256, 256).jpeg().toBuffer();
    const half = whole.subarray(0, whole.length / 2);
    expect((await findingOf(half)).code).toBe('decode-failed');
    expect((await findingOf(Buffer.concat([half, Buffer.from([0xff, 0xd9])]))).code).toBe('decode-failed');
  });

  test('the limit on pixels is the recipe’s', async () => {
    const finding = await findingOf(plain(101, 100, '#112233').png(), { maxPixels: 10_000 });
    expect(finding).toMatchObject({ code: 'too-many-pixels', class: 'input' });
    expect((await make(plain(100, 100, '#112233').png(), { maxPixels: 10_000 })).ok).toBe(true);
  });

  test('more output than allowed is refused', async () => {
    const file = path.join(folder, 'a.png');
    await writeFile(file, await photo(200, 200).png().toBuffer());
    const order = {
      item: 'x',
      kind: 'image',
      settings: recipeKind.schema.parse({ widths: [200], formats: ['png'] }),
      input: { file, sha256: '', bytes: 1, key: 'a.png' },
      outbox: folder,
      limits: { ...recipeKind.limits, outputBytes: 100 },
    };
    const context = { sniffed: { type: 'image/png' }, progress: () => undefined, signal: new AbortController().signal };
    const result = await processor.work(order as unknown as Parameters<typeof processor.work>[0], context);
    expect(result).toMatchObject({ ok: false, finding: { code: 'output-limit', class: 'resource' } });
  });
});

describe('the recipe', () => {
  test.each([
    ['a width twice', { widths: [32, 32] }],
    ['a format twice', { formats: ['png', 'png'] }],
    ['no width', { widths: [] }],
    ['half a pixel', { widths: [1.5] }],
    ['more than WebP holds', { widths: [16_384] }],
    ['an unknown format', { formats: ['gif'] }],
    ['quality 0', { quality: { jpeg: 0 } }],
    ['a quality for a format without', { quality: { png: 90 } }],
    ['a colour by name', { background: 'white' }],
  ])('refuses %s', (_name, part) => {
    expect(recipeKind.schema.safeParse({ widths: [32], formats: ['png'], ...part }).success).toBe(false);
  });

  test('means the same whatever the order of widths and formats', () => {
    const one = recipeKind.schema.parse({ widths: [64, 32], formats: ['webp', 'avif'] });
    expect(recipeKind.schema.parse({ widths: [32, 64], formats: ['avif', 'webp'] })).toEqual(one);
  });
});
