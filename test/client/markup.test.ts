import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Asset, open, type Reader } from '../../src/client/index.js';
import { fromFolder } from '../../src/client/node.js';
import { type AnOrigin, anOrigin, aPicture, entryOf } from '../support/an-origin.js';

let origin: AnOrigin;
let reader: Reader;

beforeEach(async () => {
  origin = await anOrigin();
  const film = await origin.derivative({
    path: 'f/720p.mp4',
    type: 'video/mp4',
    ext: 'mp4',
    variant: '720p',
    width: 1280,
    text: 'film',
  });
  const poster = await origin.derivative({
    path: 'f/poster.jpg',
    type: 'image/jpeg',
    ext: 'jpg',
    variant: 'poster',
    width: 1920,
    text: 'poster',
  });
  const sheet = await origin.derivative({
    path: 's.pdf',
    type: 'application/pdf',
    ext: 'pdf',
    variant: 'original',
    text: 'sheet',
  });
  await origin.publish([
    await aPicture(origin, 'hat.jpg'),
    entryOf('film.mp4', 'video/mp4', [poster, film], 'clips'),
    entryOf('sheet.pdf', 'application/pdf', [sheet], 'rest'),
  ]);
  reader = await open(fromFolder(origin.folder, 'https://cdn.example.com/a, b'));
});
afterEach(() => origin.end());

async function asset(key: string): Promise<Asset> {
  const found = await reader.asset(key);
  if (!found) throw new Error(`no ${key}`);
  return found;
}

test.each([
  [{ width: 1, format: 'webp' }, 'hat.jpg/320w.webp'],
  [{ width: 320, format: 'webp' }, 'hat.jpg/320w.webp'],
  [{ width: 321, format: 'image/webp' }, 'hat.jpg/640w.webp'],
  [{ width: 5000, format: 'avif' }, 'hat.jpg/1280w.avif'],
  [{ format: 'jpeg' }, 'hat.jpg/1280w.jpg'],
  [{ format: 'jpg', width: 400 }, 'hat.jpg/640w.jpg'],
  [{ variant: '320w' }, 'hat.jpg/320w.jpg'],
  [{}, 'hat.jpg/1280w.jpg'],
])('of a picture, %o means %s', async (choice, path) => {
  expect((await asset('hat.jpg')).derivative(choice)?.path).toBe(path);
});

test('of a film the film is meant unless its poster is asked for; a document is itself', async () => {
  const film = await asset('film.mp4');
  expect([film.derivative()?.path, film.derivative({ format: 'jpeg' })?.path]).toEqual(['f/720p.mp4', 'f/poster.jpg']);
  expect(film.derivative({ recipe: 'pictures' })).toBeUndefined();
  expect((await asset('sheet.pdf')).derivative({ width: 100 })?.path).toBe('s.pdf');
});

test('a srcset lists every width once, narrowest first, with URLs that end where they should', async () => {
  const hat = await asset('hat.jpg');
  const steps = hat.srcset({ format: 'avif' }).split(', ');
  expect(steps.map((step) => step.split(' ')[1])).toEqual(['320w', '640w', '1280w']);
  for (const step of steps) expect(step).toMatch(/^https:\/\/cdn\.example\.com\/a%2C%20b\/b\/..\/\w{64}\.avif \d+w$/);
});

test('picture markup asks for the newest format first, names sizes in pixels, and quotes what people wrote', async () => {
  const hat = await asset('hat.jpg');
  const markup = hat.picture({
    alt: `"5 < 6" & 'so on' <script>`,
    sizes: '(min-width: 60rem) 50vw, 100vw',
    attributes: { class: 'wide "one"', fetchpriority: 'high' },
  });
  const types = [...markup.matchAll(/<source type="([^"]+)"/g)].map((match) => match[1]);
  expect(types).toEqual(['image/avif', 'image/webp']);
  for (const element of markup.match(/<(?:source|img)[^>]*>/g) ?? []) {
    expect(element).toMatch(/ sizes="\(min-width: 60rem\) 50vw, 100vw" width="1280" height="640"/);
  }
  expect(markup).toContain('alt="&quot;5 &lt; 6&quot; &amp; &#39;so on&#39; &lt;script&gt;"');
  expect(markup).toContain('class="wide &quot;one&quot;"');
  expect(markup).toMatch(
    /^<picture><source .*<img src="https:[^"]+\.jpg" .*loading="lazy" decoding="async".*><\/picture>$/,
  );
  expect(() => hat.picture({ alt: '', attributes: { 'x onload': '1' } })).toThrow('is no name of an attribute');
});
