import { z } from 'zod';
import type { Digest } from '../../domain/types.js';
import type { FromWorker } from './protocol.js';

/**
 * A worker has read hostile files; the coordinator holds the database and the credentials. So what comes over the
 * channel is checked before anything is done with it: above all, an output's file name stays inside the outbox.
 */
export function readMessage(value: unknown): Reading {
  const read = message.safeParse(value);
  if (read.success) return { ok: true, message: read.data };
  const [issue] = read.error.issues;
  return { ok: false, problem: `${issue?.path.join('.') || 'the line'}: ${issue?.message}` };
}

type Reading = { readonly ok: true; readonly message: FromWorker } | { readonly ok: false; readonly problem: string };

const count = z.number().int().nonnegative();
const measure = z.number().nonnegative();
const fileName = z.string().regex(/^(?!\.{1,2}$)[^/\0]+$/);
const digest = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .transform((text) => text as Digest);

const finding = z.strictObject({
  code: z.string(),
  severity: z.enum(['error', 'notice']),
  message: z.string(),
  class: z.enum(['input', 'recipe', 'transient', 'resource', 'infrastructure']).optional(),
  key: z.string().optional(),
  recipe: z.string().optional(),
  see: z.string().optional(),
});

const facts = { type: z.string(), width: count.optional(), height: count.optional(), duration: measure.optional() };

const output = z.strictObject({
  ...facts,
  file: fileName,
  variant: fileName,
  sha256: digest,
  bytes: count,
  ext: z.string().regex(/^[a-z0-9]+$/),
});

const result = z.discriminatedUnion('ok', [
  z.strictObject({
    ok: z.literal(true),
    source: z.strictObject(facts),
    outputs: z.tuple([output], output),
    placeholder: z.string().optional(),
    findings: z.array(finding),
    verifyCpuMs: measure,
  }),
  z.strictObject({ ok: z.literal(false), finding, log: z.string().optional() }),
]);

const message = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('ready') }),
  z.strictObject({ kind: z.literal('progress'), share: z.number().min(0).max(1) }),
  z.strictObject({ kind: z.literal('result'), result }),
  z.strictObject({
    kind: z.literal('threw'),
    message: z.string(),
    code: z.string().optional(),
    stack: z.string().optional(),
  }),
]);
