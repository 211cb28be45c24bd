import { isUtf8 } from 'node:buffer';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type CsvError, parse } from 'csv-parse';
import { Fault } from '../../domain/faults.js';
import { type Field, fieldNamed, type Line } from './fields.js';
import { longestLine, tooLong } from './ndjson.js';

interface CsvRow {
  readonly record: readonly Buffer[];
  readonly info: { readonly lines: number };
}

/**
 * RFC 4180: quotes, doubled quotes, line breaks inside of quotes, either line end. `columns`: their names, when the first
 * row is none of names. Fields are read as bytes, so that what is not UTF-8 is seen.
 */
export async function* csvLines(chunks: AsyncIterable<Buffer>, columns?: readonly string[]): AsyncGenerator<Line> {
  const errors: CsvError[] = [];
  const parser = parse({
    encoding: null,
    info: true,
    max_record_size: longestLine,
    on_skip: (error) => void (error && errors.push(error)),
    record_delimiter: ['\r\n', '\n'],
    relax_column_count: true,
    skip_empty_lines: true,
    skip_records_with_error: true,
  });
  const feeding = pipeline(Readable.from(inLines(chunks)), parser);
  feeding.catch(() => undefined); // it is awaited below; this only keeps it from being called unhandled until then
  let fields = columns && fieldsOf(columns);
  for await (const { record, info } of parser as AsyncIterable<CsvRow>) {
    yield* badLines(errors);
    if (!fields) fields = fieldsOf(record.map(String));
    else yield { line: info.lines, ...rowOf(record, fields) };
  }
  await feeding;
  yield* badLines(errors);
}

/** The parser minds the length of what is in fields, not how many there are. */
async function* inLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let bytes = 0;
  for await (const chunk of chunks) {
    const end = chunk.indexOf(0x0a);
    if (bytes + (end < 0 ? chunk.length : end) > longestLine) throw tooLong('one row a line');
    bytes = end < 0 ? bytes + chunk.length : chunk.length - chunk.lastIndexOf(0x0a) - 1;
    yield chunk;
  }
}

/** Which field each column is; undefined: somebody else's. */
function fieldsOf(columns: readonly string[]): readonly (Field | undefined)[] {
  const fields = columns.map(fieldNamed);
  if (fields.includes('key')) return fields;
  const found = JSON.stringify(columns.join(',').slice(0, 100));
  throw new Fault(
    'source-unreachable',
    `listing: no column named key in ${found}: expected a header row, or source.columns`,
  );
}

function* badLines(errors: CsvError[]): Generator<Line> {
  for (const error of errors.splice(0)) {
    if (error.code === 'CSV_QUOTE_NOT_CLOSED') {
      throw new Fault('source-unreachable', `listing: a quote is still open at its end: was it copied whole?`);
    }
    yield {
      line: Number(error.lines ?? 0),
      expected: `CSV (${String(error.code).toLowerCase().replaceAll('_', ' ')})`,
    };
  }
}

function rowOf(
  record: readonly Buffer[],
  fields: readonly (Field | undefined)[],
): { readonly fields: { [field in Field]?: string } } | { readonly expected: string } {
  if (record.length !== fields.length) return { expected: `${fields.length} fields, not ${record.length}` };
  const row: { [field in Field]?: string } = {};
  for (const [at, field] of fields.entries()) {
    const value = record[at];
    if (!field || !value || value.length === 0) continue;
    if (!isUtf8(value)) return { expected: `UTF-8 as ${field}` };
    row[field] = value.toString();
  }
  return { fields: row };
}
