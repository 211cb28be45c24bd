import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { sha256 } from '../../domain/digest.js';
import { errno } from '../../domain/faults.js';
import { mediaType } from '../../domain/media-types.js';
import type { Finding } from '../../domain/types.js';
import type { OutboxFile, Processor, WorkContext, WorkResult } from '../contract.js';
import { notice, reasonOf, refuse, refuseKind } from '../refuse.js';
import {
  type ImageOrder,
  type Opened,
  openDrawing,
  openRaster,
  type Pixels,
  type Strictness,
  shrink,
} from './decode.js';
import { encode, flawOf } from './encode.js';
import { type ImageFormat, type ImageSettings, imageExtensions, longestSide } from './recipe.js';
import { sharp } from './sharp.js';

export const processor: Processor<ImageSettings> = {
  async tools() {
    return {
      ...sharp.versions,
      concurrency: String(sharp.concurrency()),
      simd: String(sharp.simd()),
      arch: process.arch,
    };
  },

  async work(order, context) {
    const refusal = refuseSource(order, context.sniffed.type);
    if (refusal) return refusal;
    const decoded = await decode(order, context.sniffed.type);
    return 'ok' in decoded ? decoded : await makeOutputs(order, context, decoded);
  },
};

type Refusal = Extract<WorkResult, { ok: false }>;

/** A drawing is text; whoever needs more than this hides something in it. */
const svgBytes = 32_000_000;

function refuseSource(order: ImageOrder, type: string): Refusal | undefined {
  const { input } = order;
  if (input.bytes === 0) return refuse('empty-file', 'the file is empty, expected a picture');
  const { kind, sharp: isDecodable } = mediaType(type);
  if (!isDecodable) return refuseKind({ type, kind, wanted: 'image' });
  if (type === 'image/svg+xml' && input.bytes > svgBytes) {
    return refuse('too-many-bytes', `a drawing of ${input.bytes} bytes, expected at most ${svgBytes}`);
  }
  return undefined;
}

/** The whole source in memory, at the largest size that is wanted of it. */
interface Decoded {
  readonly opened: Opened;
  readonly base: Pixels;
  readonly notices: readonly Finding[];
}

/**
 * What sharp stops at though every pixel is there: stray bytes between the parts of a JPEG (2 % of camera files have
 * them) and a text tag of a TIFF without its end. Other warnings mean pixels that are missing or guessed: a JPEG cut off
 * before its end mark is read without complaint at any laxer setting, and is grey.
 */
const harmless = /VipsJpeg: Corrupt JPEG data: \d+ extraneous bytes before marker|ASCII value for ASCII array tag/;

/** Strict first; then, where the warning is known to be harmless, once more without minding it, and marked. */
async function decode(order: ImageOrder, type: string): Promise<Decoded | Refusal> {
  const strict = await decodeAs(order, type, 'warning');
  if (!('ok' in strict) || !harmless.test(strict.finding.message)) return strict;
  const tolerant = await decodeAs(order, type, 'error');
  if ('ok' in tolerant) return strict;
  return {
    ...tolerant,
    notices: [notice('degraded-source', `used in spite of: ${strict.finding.message}`), ...tolerant.notices],
  };
}

async function decodeAs(order: ImageOrder, type: string, strictness: Strictness): Promise<Decoded | Refusal> {
  const { maxPixels } = order.settings;
  try {
    const opened = await (type === 'image/svg+xml' ? openDrawing : openRaster)(order, strictness);
    const { size, sizes, sourcePixels, pages } = opened;
    if (sourcePixels > maxPixels) {
      const found = `${size.width}x${size.height} is ${sourcePixels} pixels`;
      return refuse('too-many-pixels', `${found}, expected at most ${maxPixels}`);
    }
    const [largest] = sizes;
    if (!largest) {
      return refuse(
        'too-long',
        `${size.width}x${size.height} does not fit into ${longestSide} pixels a side at any width`,
      );
    }
    const notices = pages > 1 ? [notice('first-page', `the first of ${pages} frames or pages is used`)] : [];
    return { opened, base: await opened.decode(largest), notices };
  } catch (error) {
    return refuseDecoding(order, type, error);
  }
}

/** A file that cannot be read is no fault of its content; everything else that sharp says about it is. */
function refuseDecoding(order: ImageOrder, type: string, error: unknown): Refusal {
  const reason = reasonOf(error, order);
  if (errno(error) !== undefined || reason.startsWith('Input file is missing')) throw error;
  if (/out of memory|Could not allocate enough memory/.test(reason)) return refuse('out-of-memory', reason, 'resource');
  return refuse('decode-failed', `${type} that does not decode: ${reason}`);
}

async function makeOutputs(
  order: ImageOrder,
  context: WorkContext,
  { opened, base, notices }: Decoded,
): Promise<WorkResult> {
  const { settings, limits } = order;
  const outputs: OutboxFile[] = [];
  let bytes = 0;
  let verifyCpuMs = 0;
  for (const size of opened.sizes) {
    const pixels = await shrink(base, size);
    for (const format of settings.formats) {
      context.signal.throwIfAborted();
      const encoded = await encode(pixels, format, settings);
      const before = process.cpuUsage();
      const flaw = await flawOf(encoded, format, pixels);
      const spent = process.cpuUsage(before);
      verifyCpuMs += (spent.user + spent.system) / 1000;
      if (flaw) return refuse('verify-failed', `${size.width}w.${imageExtensions[format]} ${flaw}`, 'infrastructure');
      bytes += encoded.length;
      if (bytes > limits.outputBytes) {
        return refuse('output-limit', `more than ${limits.outputBytes} bytes of output`, 'resource');
      }
      outputs.push(await deliver(order.outbox, { encoded, format, pixels }));
      context.progress(outputs.length / (opened.sizes.length * settings.formats.length));
    }
  }
  const [first, ...others] = outputs;
  if (!first) throw new Error('a recipe without outputs passed its check');
  const source = { type: context.sniffed.type, ...opened.size };
  return { ok: true, source, outputs: [first, ...others], findings: notices, verifyCpuMs };
}

async function deliver(
  outbox: string,
  made: { readonly encoded: Buffer; readonly format: ImageFormat; readonly pixels: Pixels },
): Promise<OutboxFile> {
  const { encoded, format, pixels } = made;
  const { width, height } = pixels;
  const variant = `${width}w`;
  const ext = imageExtensions[format];
  const file = `${variant}.${ext}`;
  await writeFile(path.join(outbox, file), encoded, { flag: 'wx' });
  return { file, variant, ext, type: `image/${format}`, bytes: encoded.length, sha256: sha256(encoded), width, height };
}
