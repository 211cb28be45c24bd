import { sha256 } from '../../domain/digest.js';
import type { EdgeRequest } from '../send.js';

export interface CloudfrontCall {
  readonly distribution: string;
  readonly endpoint: string;
}

/** Files in progress for one distribution (CloudFront Developer Guide, "Concurrent request maximum"). */
const mostPaths = 3000;

/**
 * `POST /2020-05-31/distribution/{Id}/invalidation` with an `InvalidationBatch`, not yet signed
 * (docs.aws.amazon.com/cloudfront/latest/APIReference/API_CreateInvalidation.html).
 *
 * The same `CallerReference` with the same paths returns the earlier invalidation, with other paths it is an error: so it says
 * both which purge and which paths. `TooManyInvalidationsInProgress` comes as 400 and passes.
 */
export function requests(
  { distribution, endpoint }: CloudfrontCall,
  urls: readonly string[],
  reference: string,
): readonly EdgeRequest[] {
  const paths = [...new Set(urls.map((url) => new URL(url).pathname))];
  const batches = Math.ceil(paths.length / mostPaths);
  return Array.from({ length: batches }, (_, at) => ({
    method: 'POST',
    url: `${endpoint}/2020-05-31/distribution/${distribution}/invalidation`,
    headers: { 'content-type': 'application/xml' },
    body: invalidationBatch(paths.slice(at * mostPaths, (at + 1) * mostPaths), reference),
    busy: 'TooManyInvalidationsInProgress',
  }));
}

function invalidationBatch(paths: readonly string[], reference: string): string {
  const caller = `${reference}-${sha256(paths.join('\n')).slice(0, 12)}`;
  const items = paths.map((path) => `<Path>${escaped(path)}</Path>`).join('');
  return `<?xml version="1.0" encoding="UTF-8"?>
<InvalidationBatch xmlns="http://cloudfront.amazonaws.com/doc/2020-05-31/"><CallerReference>${escaped(caller)}</CallerReference><Paths><Items>${items}</Items><Quantity>${paths.length}</Quantity></Paths></InvalidationBatch>`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
