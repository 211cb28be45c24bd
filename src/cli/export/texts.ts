import type { Published } from './published.js';

export interface Exported {
  readonly published: readonly Published[];
  /** Without a slash at its end. */
  readonly baseUrl: string | undefined;
}

export const exportFormats = ['json', 'vite-manifest', 'headers', 'sri'] as const;
export type ExportFormat = (typeof exportFormats)[number];

/** The same text for the same snapshot, whoever asks and whenever; ends in a newline. */
export const textOf: Readonly<Record<ExportFormat, (exported: Exported) => string>> = {
  json: ({ published, baseUrl }) =>
    mapText(published, ({ key, derivative: { sha256, bytes, type, width, height, duration } }) => ({
      ...(baseUrl !== undefined && { url: `${baseUrl}/${key}` }),
      ...{ key, sha256, bytes, type, width, height, duration },
    })),
  // As Vite writes it (vite.dev/guide/backend-integration); `integrity` is what its SRI plugins add.
  'vite-manifest': ({ published }) =>
    mapText(published, ({ path, key, derivative }) => ({
      file: key,
      src: path,
      integrity: integrityOf(derivative.sha256),
    })),
  sri: ({ published }) => mapText(published, ({ derivative }) => integrityOf(derivative.sha256)),
  headers: ({ baseUrl }) => headersText(baseUrl),
};

/** One entry a line, so that a diff of two exports shows what changed. */
function mapText(published: readonly Published[], describe: (one: Published) => unknown): string {
  const lines = published.map((one) => `  ${JSON.stringify(one.path)}: ${JSON.stringify(describe(one))}`);
  return lines.length === 0 ? '{}\n' : `{\n${lines.join(',\n')}\n}\n`;
}

function integrityOf(sha256: string): string {
  return `sha256-${Buffer.from(sha256, 'hex').toString('base64')}`;
}

export const immutable = 'public, max-age=31536000, immutable';

const rules: readonly (readonly [path: string, ...headers: string[]])[] = [
  ['/head.json', 'Cache-Control: public, max-age=0, s-maxage=5, stale-if-error=86400'],
  ['/m/*', `Cache-Control: ${immutable}`],
  ['/b/*', `Cache-Control: ${immutable}`, 'X-Content-Type-Options: nosniff'],
  ['/live/*', 'Cache-Control: no-cache', 'X-Content-Type-Options: nosniff'],
];

/** `_headers` as Netlify and Cloudflare Pages read it: a path, then its headers indented. */
function headersText(baseUrl: string | undefined): string {
  const prefix = prefixOf(baseUrl);
  return rules.map(([path, ...headers]) => `${[prefix + path, ...headers].join('\n  ')}\n`).join('\n');
}

/** The path under which an origin is seen: empty at the root of its host. */
export function prefixOf(baseUrl: string | undefined): string {
  return baseUrl === undefined ? '' : new URL(baseUrl).pathname.replace(/\/+$/, '');
}
