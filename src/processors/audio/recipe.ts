import { z } from 'zod';
import type { RecipeKind } from '../contract.js';

export const audioFormats = ['aac', 'mp3', 'opus'] as const;
export type AudioFormat = (typeof audioFormats)[number];

/** The constant bit rates that MPEG-1 Layer III has. */
const mp3Kbps = [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320] as const;

const schema = z.strictObject({
  formats: z
    .array(z.enum(audioFormats))
    .min(1)
    .refine((formats) => new Set(formats).size === formats.length, 'each format once')
    .transform((formats) => audioFormats.filter((format) => formats.includes(format)))
    .default(['aac']),
  kbps: z
    .strictObject({
      aac: z.int().min(32).max(320).default(128),
      mp3: z.literal(mp3Kbps).default(192),
      opus: z.int().min(16).max(256).default(96),
    })
    .prefault({}),
});

export type AudioSettings = z.infer<typeof schema>;

/** A recipe for sound, as a job file writes it. */
export interface AudioRecipeOptions {
  /** Globs over asset keys. Of a video the sound is taken; a file without sound becomes a finding. */
  readonly match: string | readonly string[];
  /** How urgent these items are: higher is done first, and left for another night last; default 0. */
  readonly priority?: number;
  /** Items with nothing to show that may be published around, of those it works in a night: `3` or `'10%'`. */
  readonly tolerate?: number | `${number}%`;
  /** Public path template; the default is `{key}/{variant}.{ext}`, such as `talks/opening.wav/128k.m4a`. */
  readonly path?: string;
  /** One file for each: `aac` (.m4a), `mp3`, `opus` (.ogg, which servers know better than .opus). Default `['aac']`. */
  readonly formats?: readonly AudioFormat[];
  /** Bit rates; the codecs differ in what they need. Defaults: aac 128 (32 to 320), mp3 192, opus 96 (16 to 256). */
  readonly kbps?: { readonly aac?: number; readonly mp3?: (typeof mp3Kbps)[number]; readonly opus?: number };
  /** Bounds of one attempt, enforced from outside. Defaults: 1800 seconds, 1000 MB of memory, 2000 MB of output. */
  readonly limits?: { readonly seconds?: number; readonly memoryMB?: number; readonly outputMB?: number };
}

export type AudioRecipeInput = AudioRecipeOptions & { readonly kind: 'audio' };

/** Sound for players: the first track, stereo at most, without metadata and cover. */
export function audio(options: AudioRecipeOptions): AudioRecipeInput {
  return { kind: 'audio', ...options };
}

export const audioExtensions: Readonly<Record<AudioFormat, string>> = { aac: 'm4a', mp3: 'mp3', opus: 'ogg' };

export const recipeKind: RecipeKind<AudioSettings> = {
  kind: 'audio',
  version: 1,
  schema,
  path: '{key}/{variant}.{ext}',
  limits: { wallMs: 1_800_000, memoryBytes: 1_000_000_000, outputBytes: 2_000_000_000 },
  outputs: ({ formats, kbps }) =>
    formats.map((format) => ({ variant: `${kbps[format]}k`, ext: audioExtensions[format] })),
  priorSeconds: ({ formats }, bytes) => 0.3 + (bytes / 20_000) * 0.02 * formats.length,
};
