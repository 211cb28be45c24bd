import { Bucket } from './s3d/index.js';

/** `agedMs`: all that is in it happened so much earlier. Clocks agree meanwhile: the SDK tries again whatever it thinks is due to a wrong one. */
export function copyOf(bucket: Bucket, agedMs = 0): Bucket {
  const copy = new Bucket();
  for (const key of bucket.keys()) {
    const object = bucket.get(key);
    if (!object) continue;
    const isHead = /\/(head|log\/\d+)\.json$/.test(key);
    const body = isHead && agedMs > 0 ? Buffer.from(earlier(object.body.toString(), agedMs)) : object.body;
    copy.put(key, { body, headers: object.headers, at: object.at - agedMs });
  }
  return copy;
}

function earlier(text: string, ms: number): string {
  const instant = /\d{4}-\d\d-\d\dT[\d:.]+Z/g;
  return text.replace(instant, (at) => new Date(Date.parse(at) - ms).toISOString());
}
