import type { Derivative, Entry } from '../domain/types.js';

/** Which of an asset's derivatives is meant. */
export interface Choice {
  /** Name of the recipe that made it; any unless told. */
  readonly recipe?: string;
  /** Pixels: the smallest that is at least so wide, else the widest. The widest unless told. */
  readonly width?: number;
  /** `avif`, `webp`, `jpeg`, `mp4`, …: extension, MIME type or the part after its slash. The most compatible unless told. */
  readonly format?: string;
  /** `640w`, `poster`, `original`, …: exactly this one. */
  readonly variant?: string;
}

/** Picture formats, from what everything shows to what only newer browsers do. */
const compatible = ['image/jpeg', 'image/png', 'image/gif', 'image/svg+xml', 'image/webp', 'image/avif'];

/** Undefined when there is none of that recipe, format or variant. */
export function choose(entry: Entry, choice: Choice = {}): Derivative | undefined {
  const [first, ...others] = ladder(entry, choice);
  if (!first) return undefined;
  const all = [first, ...others];
  const wide = choice.width;
  return (wide === undefined ? undefined : all.find(({ width = 0 }) => width >= wide)) ?? all.at(-1);
}

/** Derivatives of one format that differ in width only, narrowest first. */
export function ladder(entry: Entry, choice: Choice): readonly Derivative[] {
  const wanted = candidates(entry, choice);
  const type = choice.format === undefined ? mostCompatible(entry, wanted) : wanted[0]?.type;
  const byWidth = new Map<number, Derivative>();
  for (const one of wanted) if (one.type === type && !byWidth.has(one.width ?? 0)) byWidth.set(one.width ?? 0, one);
  return [...byWidth.values()].sort((a, b) => (a.width ?? 0) - (b.width ?? 0));
}

/** Types of an asset's picture derivatives, the newest format first: the order in which a browser is to be asked. */
export function pictureTypes(entry: Entry, recipe: string | undefined): readonly string[] {
  const types = new Set(candidates(entry, { recipe }).map(({ type }) => type));
  const rank = (type: string) => compatible.indexOf(type);
  return [...types].filter((type) => type.startsWith('image/')).sort((a, b) => rank(b) - rank(a));
}

function candidates(entry: Entry, { recipe, format, variant }: Choice): readonly Derivative[] {
  return Object.entries(entry.items)
    .filter(([name]) => recipe === undefined || name === recipe)
    .flatMap(([, item]) => item.derivatives)
    .filter((one) => format === undefined || isFormat(one, format))
    .filter((one) => variant === undefined || one.variant === variant);
}

function isFormat({ type, ext }: Derivative, format: string): boolean {
  return type === format || ext === format || type.slice(type.indexOf('/') + 1) === format;
}

/** What is of the source's own kind comes before what is not: of a film the film, not its poster. */
function mostCompatible(entry: Entry, wanted: readonly Derivative[]): string | undefined {
  const types = [...new Set(wanted.map(({ type }) => type))];
  const own = types.filter((type) => kindOf(type) === kindOf(entry.source.type));
  return compatible.find((type) => own.includes(type)) ?? own[0] ?? types[0];
}

function kindOf(type: string): string {
  return type.slice(0, type.indexOf('/'));
}
