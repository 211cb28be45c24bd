/**
 * What nightpress knows of each media type, by MIME type as the sniffer names it. One table, so that the extension of a
 * blob, the question "can this be decoded" and the demuxers ffmpeg may use never disagree.
 */
export type MediaKind = 'image' | 'video' | 'audio' | 'text' | 'other';

export interface MediaType {
  readonly kind: MediaKind;
  /** Usual extension, without the dot. */
  readonly ext: string;
  /** True when the prebuilt sharp decodes it. */
  readonly sharp?: true;
  /** ffmpeg's `-format_whitelist` for such a file; without it the file is not given to ffmpeg at all. */
  readonly demuxers?: string;
}

const isoMedia = 'mov,mp4,m4a,3gp,3g2,mj2';

const table = {
  'image/jpeg': { kind: 'image', ext: 'jpg', sharp: true },
  'image/png': { kind: 'image', ext: 'png', sharp: true },
  'image/webp': { kind: 'image', ext: 'webp', sharp: true },
  'image/avif': { kind: 'image', ext: 'avif', sharp: true },
  'image/gif': { kind: 'image', ext: 'gif', sharp: true },
  'image/tiff': { kind: 'image', ext: 'tif', sharp: true },
  'image/svg+xml': { kind: 'image', ext: 'svg', sharp: true },
  'image/heic': { kind: 'image', ext: 'heic' },
  'image/heif': { kind: 'image', ext: 'heif' },
  'image/jxl': { kind: 'image', ext: 'jxl' },
  'image/jp2': { kind: 'image', ext: 'jp2' },
  'image/jpx': { kind: 'image', ext: 'jpx' },
  'image/jpm': { kind: 'image', ext: 'jpm' },
  'image/j2c': { kind: 'image', ext: 'j2c' },
  'image/bmp': { kind: 'image', ext: 'bmp' },
  'image/x-tga': { kind: 'image', ext: 'tga' },
  'image/x-icon': { kind: 'image', ext: 'ico' },
  'image/x-exr': { kind: 'image', ext: 'exr' },
  'image/vnd.radiance': { kind: 'image', ext: 'hdr' },
  'image/x-qoi': { kind: 'image', ext: 'qoi' },
  'image/x-farbfeld': { kind: 'image', ext: 'ff' },
  'image/x-portable-anymap': { kind: 'image', ext: 'pnm' },
  'image/vnd.adobe.photoshop': { kind: 'image', ext: 'psd' },
  'image/x-xcf': { kind: 'image', ext: 'xcf' },
  'image/x-adobe-dng': { kind: 'image', ext: 'dng' },
  'image/x-canon-cr2': { kind: 'image', ext: 'cr2' },
  'image/x-canon-cr3': { kind: 'image', ext: 'cr3' },
  'image/x-nikon-nef': { kind: 'image', ext: 'nef' },
  'image/x-sony-arw': { kind: 'image', ext: 'arw' },
  'image/x-olympus-orf': { kind: 'image', ext: 'orf' },
  'image/x-panasonic-rw2': { kind: 'image', ext: 'rw2' },
  'image/x-fujifilm-raf': { kind: 'image', ext: 'raf' },

  'video/mp4': { kind: 'video', ext: 'mp4', demuxers: isoMedia },
  'video/quicktime': { kind: 'video', ext: 'mov', demuxers: isoMedia },
  'video/3gpp': { kind: 'video', ext: '3gp', demuxers: isoMedia },
  'video/3gpp2': { kind: 'video', ext: '3g2', demuxers: isoMedia },
  'video/matroska': { kind: 'video', ext: 'mkv', demuxers: 'matroska,webm' },
  'video/webm': { kind: 'video', ext: 'webm', demuxers: 'matroska,webm' },
  'video/ogg': { kind: 'video', ext: 'ogv', demuxers: 'ogg' },
  'video/vnd.avi': { kind: 'video', ext: 'avi', demuxers: 'avi' },
  'video/x-flv': { kind: 'video', ext: 'flv', demuxers: 'flv' },
  'video/mp2t': { kind: 'video', ext: 'ts', demuxers: 'mpegts' },
  'video/mpeg': { kind: 'video', ext: 'mpg', demuxers: 'mpeg,mpegvideo' },
  'video/x-ms-asf': { kind: 'video', ext: 'wmv', demuxers: 'asf' },
  'video/x-ivf': { kind: 'video', ext: 'ivf', demuxers: 'ivf' },
  'application/mxf': { kind: 'video', ext: 'mxf', demuxers: 'mxf' },
  'video/iso.segment': { kind: 'video', ext: 'm4s' },

  'audio/mpeg': { kind: 'audio', ext: 'mp3', demuxers: 'mp3' },
  'audio/mp4': { kind: 'audio', ext: 'm4a', demuxers: isoMedia },
  'audio/aac': { kind: 'audio', ext: 'aac', demuxers: 'aac' },
  'audio/ogg': { kind: 'audio', ext: 'ogg', demuxers: 'ogg' },
  'audio/flac': { kind: 'audio', ext: 'flac', demuxers: 'flac' },
  'audio/wav': { kind: 'audio', ext: 'wav', demuxers: 'wav' },
  'audio/aiff': { kind: 'audio', ext: 'aiff', demuxers: 'aiff' },
  'audio/amr': { kind: 'audio', ext: 'amr', demuxers: 'amr' },
  'audio/ac3': { kind: 'audio', ext: 'ac3', demuxers: 'ac3,eac3' },
  'audio/x-caf': { kind: 'audio', ext: 'caf', demuxers: 'caf' },
  'audio/basic': { kind: 'audio', ext: 'au', demuxers: 'au' },
  'audio/ape': { kind: 'audio', ext: 'ape', demuxers: 'ape' },
  'audio/wavpack': { kind: 'audio', ext: 'wv', demuxers: 'wv' },
  'audio/x-ms-asf': { kind: 'audio', ext: 'wma', demuxers: 'asf' },
  'audio/midi': { kind: 'audio', ext: 'mid' },

  'text/plain': { kind: 'text', ext: 'txt' },
  'text/html': { kind: 'text', ext: 'html' },
  'text/css': { kind: 'text', ext: 'css' },
  'text/javascript': { kind: 'text', ext: 'js' },
  'text/csv': { kind: 'text', ext: 'csv' },
  'text/markdown': { kind: 'text', ext: 'md' },
  'text/vtt': { kind: 'text', ext: 'vtt' },
  'text/calendar': { kind: 'text', ext: 'ics' },
  'text/vcard': { kind: 'text', ext: 'vcf' },
  'application/json': { kind: 'text', ext: 'json' },
  'application/manifest+json': { kind: 'text', ext: 'webmanifest' },
  'application/geo+json': { kind: 'text', ext: 'geojson' },
  'application/xml': { kind: 'text', ext: 'xml' },
  'application/rss+xml': { kind: 'text', ext: 'rss' },
  'application/atom+xml': { kind: 'text', ext: 'atom' },
  'application/dash+xml': { kind: 'text', ext: 'mpd' },
  'application/vnd.apple.mpegurl': { kind: 'text', ext: 'm3u8' },
  'application/x-subrip': { kind: 'text', ext: 'srt' },

  'application/pdf': { kind: 'other', ext: 'pdf' },
  'application/zip': { kind: 'other', ext: 'zip' },
  'application/gzip': { kind: 'other', ext: 'gz' },
  'application/wasm': { kind: 'other', ext: 'wasm' },
  'application/ogg': { kind: 'other', ext: 'ogx', demuxers: 'ogg' },
  'font/woff': { kind: 'other', ext: 'woff' },
  'font/woff2': { kind: 'other', ext: 'woff2' },
  'font/ttf': { kind: 'other', ext: 'ttf' },
  'font/otf': { kind: 'other', ext: 'otf' },
  'application/octet-stream': { kind: 'other', ext: 'bin' },
} as const satisfies Record<string, MediaType>;

const mediaTypes: Readonly<Record<string, MediaType>> = Object.freeze(table);

const unknownType: MediaType = { kind: 'other', ext: 'bin' };

/** Never undefined: a type the table does not know is of kind `other` and nothing decodes it. */
export function mediaType(type: string): MediaType {
  return Object.hasOwn(mediaTypes, type) ? (mediaTypes[type] ?? unknownType) : unknownType;
}

const typesByExt = new Map(Object.entries(mediaTypes).map(([type, { ext }]) => [ext, type]));

/** The type to show a blob of this extension as. */
export function mediaTypeOf(ext: string): string {
  return typesByExt.get(ext) ?? 'application/octet-stream';
}

/** Second extensions of text types; the first are in the table. */
const moreTextExtensions: Readonly<Record<string, string>> = {
  htm: 'text/html',
  mjs: 'text/javascript',
  map: 'application/json',
  markdown: 'text/markdown',
  log: 'text/plain',
};

const textTypes = new Map([
  ...Object.entries(mediaTypes).flatMap(([type, { kind, ext }]) => (kind === 'text' ? [[ext, type] as const] : [])),
  ...Object.entries(moreTextExtensions),
]);

/** The text type an extension stands for. Kinds of text cannot be told apart by content: a style sheet is plain text. */
export function textTypeOf(extension: string): string | undefined {
  return textTypes.get(extension);
}
