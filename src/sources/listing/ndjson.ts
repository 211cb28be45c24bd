import { isUtf8 } from 'node:buffer';
import { Fault } from '../../domain/faults.js';
import { type Field, fieldNamed, type Line } from './fields.js';

/** No row of an inventory is as long; what is, is another kind of file. */
export const longestLine = 1 << 20;

/** One JSON object a line; blank lines are nothing. `readline` is not used: it also breaks at U+2028 inside of strings. */
export async function* ndjsonLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<Line> {
  for await (const { line, bytes } of splitLines(chunks)) {
    const text = isUtf8(bytes) ? bytes.toString().trim() : undefined;
    if (text === '') continue;
    yield text === undefined ? { line, expected: 'UTF-8' } : { line, ...parsed(text) };
  }
}

const nothing = Buffer.alloc(0);

/** Empty ones are counted and passed over at once: a few packed bytes may be millions of them. */
async function* splitLines(
  chunks: AsyncIterable<Buffer>,
): AsyncGenerator<{ readonly line: number; readonly bytes: Buffer }> {
  let rest: Buffer = nothing;
  let line = 0;
  for await (const chunk of chunks) {
    let from = 0;
    for (let end = chunk.indexOf(0x0a); end >= 0; end = chunk.indexOf(0x0a, from)) {
      line++;
      const tail = chunk.subarray(from, end);
      if (rest.length > 0) yield { line, bytes: Buffer.concat([rest, tail]) };
      else if (tail.length > 0) yield { line, bytes: tail };
      rest = nothing;
      for (from = end + 1; chunk[from] === 0x0a; from++) line++;
    }
    rest = Buffer.concat([rest, chunk.subarray(from)]);
    if (rest.length > longestLine) throw tooLong('one JSON object a line');
  }
  if (rest.length > 0) yield { line: line + 1, bytes: rest };
}

export function tooLong(expected: string): Fault {
  return new Fault('source-unreachable', `listing: a line of more than ${longestLine} bytes: expected ${expected}`);
}

type Parsed = { readonly fields: { [field in Field]?: string } } | { readonly expected: string };

function parsed(text: string): Parsed {
  const value = jsonOf(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return { expected: 'one JSON object' };
  const fields: { [field in Field]?: string } = {};
  for (const [name, given] of Object.entries(value)) {
    const field = fieldNamed(name);
    if (field === undefined || given === null) continue;
    if (!['string', 'number', 'boolean'].includes(typeof given)) return { expected: `text or a number as ${name}` };
    fields[field] = String(given);
  }
  return { fields };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
