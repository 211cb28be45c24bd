import type { WindowSpec } from '../domain/types.js';

/** What `init` found out about a folder. */
export interface Draft {
  /** As the job file should name it. */
  readonly source: string;
  readonly origin: string;
  /** As they are written in the folder, without the dot. */
  readonly extensions: ReadonlySet<string>;
  readonly timezone: string;
}

interface Family {
  readonly helper: string;
  readonly name: string;
  readonly extensions: readonly string[];
  readonly settings: string | undefined;
}

const families: readonly Family[] = [
  {
    helper: 'image',
    name: 'pictures',
    extensions: ['jpg', 'jpeg', 'png', 'svg', 'gif', 'avif', 'webp', 'tif', 'tiff'],
    settings: "widths: [320, 640, 1280], formats: ['avif', 'webp', 'jpeg']",
  },
  {
    helper: 'video',
    name: 'clips',
    extensions: ['mp4', 'mov', 'mkv', 'webm', 'm4v', 'avi'],
    settings: 'heights: [720], poster: true',
  },
  {
    helper: 'audio',
    name: 'sound',
    extensions: ['mp3', 'wav', 'flac', 'ogg', 'm4a', 'opus'],
    settings: "formats: ['aac']",
  },
  { helper: 'copy', name: 'rest', extensions: ['pdf', 'json', 'woff2', 'vtt'], settings: undefined },
];

const cron = '0 2 * * *';
const hours = 4;

/** The window of a first job. */
export function draftWindow(timezone: string): WindowSpec {
  return { cron, timezone, lengthMs: hours * 3_600_000 };
}

/**
 * The text of a first job file: only recipes that have something to do, pictures when there is nothing to go by. Globs
 * tell `.JPG` from `.jpg`, so every spelling that the folder has is written out.
 */
export function draftJob({ source, origin, extensions, timezone }: Draft): string {
  const spellings = (family: Family) => [...extensions].filter((one) => family.extensions.includes(one.toLowerCase()));
  const found = families.filter((family) => spellings(family).length > 0);
  const used = found.length > 0 ? found : families.slice(0, 1);
  const recipes = used.map((family) => {
    const { helper, name, settings } = family;
    const all = [...new Set([...family.extensions, ...spellings(family).sort()])];
    const match = `match: '**/*.{${all.join(',')}}'`;
    return `    ${name}: ${helper}({ ${settings === undefined ? match : `${match}, ${settings}`} }),`;
  });
  const helpers = [...used.map(({ helper }) => helper), 'defineJob'].sort();
  return `import { ${helpers.join(', ')} } from 'nightpress';

export default defineJob({
  source: { type: 'directory', path: ${quoted(source)} },
  window: { cron: '${cron}', timezone: ${quoted(timezone)}, length: '${hours}h' },
  recipes: {
${recipes.join('\n')}
  },
  gate: { tolerate: '1%', shrink: '10%' },
  origin: {
    type: 'directory',
    path: ${quoted(origin)},
    // baseUrl: 'https://cdn.example.com/${origin.replace(/^.*\//, '')}', // where readers see it: exports and edges need it, explain shows it
  },
  keep: { last: 14, within: '30d' },
});
`;
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
