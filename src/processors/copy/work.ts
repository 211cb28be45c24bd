import { createHash } from 'node:crypto';
import { constants, createReadStream } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import path from 'node:path';
import { mediaType, textTypeOf } from '../../domain/media-types.js';
import { extensionOf } from '../../domain/paths.js';
import type { Digest } from '../../domain/types.js';
import type { Processor, Sniffed } from '../contract.js';
import { refuse } from '../refuse.js';
import type { CopySettings } from './recipe.js';

export const processor: Processor<CopySettings> = {
  async tools() {
    return { copy: '1' };
  },

  async work(order, { sniffed, signal }) {
    const { input, limits } = order;
    if (input.bytes > limits.outputBytes) {
      return refuse('output-limit', `${input.bytes} bytes, expected at most ${limits.outputBytes}`, 'resource');
    }
    const target = path.join(order.outbox, 'original');
    await copyFile(input.file, target, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
    const before = process.cpuUsage();
    const copied = await digestFile(target, signal);
    const cpu = process.cpuUsage(before);
    if (copied.sha256 !== input.sha256) {
      return refuse(
        'output-changed',
        `the copy has sha256 ${copied.sha256}, expected ${input.sha256}`,
        'infrastructure',
      );
    }
    const named = describeCopy(sniffed, extensionOf(input.key));
    return {
      ok: true,
      source: { type: named.type },
      outputs: [{ file: 'original', variant: 'original', ...copied, ...named }],
      findings: [],
      verifyCpuMs: (cpu.user + cpu.system) / 1000,
    };
  },
};

/**
 * Type and extension of a copy. Content decides what content can: a picture named `.css` is a picture. Kinds of text
 * look alike, so between them the extension decides; it is therefore part of a copy's fingerprint (`usesExtension`).
 */
function describeCopy(sniffed: Sniffed, extension: string): { readonly type: string; readonly ext: string } {
  const { kind, ext } = mediaType(sniffed.type);
  const isText = kind === 'text' || sniffed.type === 'image/svg+xml';
  const type = (isText ? textTypeOf(extension) : undefined) ?? sniffed.type;
  return { type, ext: /^[a-z0-9]{1,10}$/.test(extension) ? extension : ext };
}

async function digestFile(
  file: string,
  signal: AbortSignal,
): Promise<{ readonly sha256: Digest; readonly bytes: number }> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of createReadStream(file, { signal, highWaterMark: 1 << 20 })) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  return { sha256: hash.digest('hex') as Digest, bytes };
}
