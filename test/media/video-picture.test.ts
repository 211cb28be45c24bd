import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Stream } from '../../src/processors/ffprobe.js';
import { displayedSize, pictureGraph, renditionsOf } from '../../src/processors/video/picture.js';

const plain: Stream & { width: number; height: number } = {
  index: 0,
  width: 1920,
  height: 1080,
  disposition: {},
  side_data_list: [],
  tags: {},
};

test.each([
  ['as it is', {}, [1920, 1080]],
  ['turned right', { side_data_list: [{ rotation: -90 }] }, [1080, 1920]],
  ['turned left', { side_data_list: [{ rotation: 90 }] }, [1080, 1920]],
  ['upside down', { side_data_list: [{ rotation: 180 }] }, [1920, 1080]],
  ['askew', { side_data_list: [{ rotation: 10 }] }, [1920, 1080]],
  ['wide pixels', { width: 720, height: 576, sample_aspect_ratio: '64:45' }, [1024, 576]],
  [
    'wide pixels, turned',
    { width: 720, height: 576, sample_aspect_ratio: '64:45', side_data_list: [{ rotation: 90 }] },
    [576, 1024],
  ],
  ['pixels without a shape', { sample_aspect_ratio: '0:1' }, [1920, 1080]],
])('a picture is measured as it is shown: %s', (_, more, [width, height]) => {
  expect(displayedSize({ ...plain, ...more })).toEqual({ width, height });
});

test.each([
  [{ width: 1920, height: 1080 }, [720], ['1280x720 720p']],
  [{ width: 1920, height: 1080 }, [1080], ['1920x1080 1080p']],
  [{ width: 640, height: 360 }, [720, 360, 1080], ['640x360 360p']],
  [{ width: 641, height: 361 }, [720, 360], ['640x360 360p']],
  [{ width: 608, height: 1080 }, [720, 360], ['406x720 720p', '202x360 360p']],
  [{ width: 4000, height: 2 }, [16], ['4000x2 2p']],
  [{ width: 1, height: 1 }, [16], ['2x2 2p']],
])('%j in heights %j becomes %j', (shown, heights, expected) => {
  expect(renditionsOf(shown, heights).map(({ width, height, variant }) => `${width}x${height} ${variant}`)).toEqual(
    expected,
  );
});

test('renditions are even, distinct and never higher than the source, whatever its size', () => {
  const side = fc.integer({ min: 2, max: 8192 });
  const heights = fc.uniqueArray(
    fc.integer({ min: 8, max: 2160 }).map((half) => half * 2),
    { minLength: 1, maxLength: 5 },
  );
  fc.assert(
    fc.property(side, side, heights, (width, height, wanted) => {
      const made = renditionsOf({ width, height }, wanted);
      expect(new Set(made.map((one) => one.variant)).size).toBe(made.length);
      for (const one of made) {
        expect([one.width % 2, one.height % 2, one.height <= height]).toEqual([0, 0, true]);
        expect(Math.abs(one.width - (width * one.height) / height)).toBeLessThanOrEqual(2);
      }
    }),
  );
});

test('only a clip that says to be interlaced is deinterlaced, before anything else', () => {
  const work = { stream: plain, renditions: renditionsOf(plain, [720]), maxFps: 60, toneMap: false };
  expect(pictureGraph(work).join()).not.toContain('bwdif');
  expect(pictureGraph({ ...work, stream: { ...plain, field_order: 'progressive' } }).join()).not.toContain('bwdif');
  expect(pictureGraph({ ...work, stream: { ...plain, field_order: 'tt' } })[0]).toMatch(/^\[0:0\]bwdif/);
});
