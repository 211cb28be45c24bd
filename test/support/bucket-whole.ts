import { parseHead } from '../../src/domain/head-text.js';
import { flawsOf } from './live-files.js';
import type { S3d } from './s3d/index.js';

const prefix = 'site/';

/** The origin below `site/` of the bucket `media`, seen past the server. */
export function originIn(s3d: S3d) {
  const at = (key: string) => s3d.bucket().get(`${prefix}${key}`);
  const head = () => parseHead(at('head.json')?.body.toString() ?? '');
  return { at, head, flaws: () => flawsNow(s3d) };
}

/** Of this very moment: what is asked meanwhile changes nothing of what is looked at. */
async function flawsNow(s3d: S3d): Promise<readonly string[]> {
  const bucket = s3d.bucket();
  const now = new Map(bucket.keys().map((key) => [key, bucket.get(key)?.body]));
  const head = now.get(`${prefix}head.json`);
  return await flawsOf(head && parseHead(head.toString()), async (key) => now.get(`${prefix}${key}`));
}
