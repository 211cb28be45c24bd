/** Bytes a person could have typed: no control characters but white space; UTF-16 only with its mark. */
export function isText(head: Buffer): boolean {
  if (isUtf16(head)) return true;
  return head.every((byte) =>
    byte >= 0x20 ? byte !== 0x7f : byte === 0x09 || byte === 0x0a || byte === 0x0d || byte === 0x0c,
  );
}

/**
 * SVG and HTML by their root element, other XML by its declaration.
 *
 * The root decides, not the first `<svg` that appears: a page that shows a drawing is a page. What may stand before it
 * (declaration, comments, document type with its own entities) is stepped over, never interpreted.
 */
export function markupType(head: Buffer): string | undefined {
  const text = decode(head);
  const root = /^<([\w.-]+:)?([\w.-]+)[\s/>]/.exec(text.slice(skipProlog(text)));
  if (root?.[2] === 'svg') return 'image/svg+xml';
  if (root?.[2]?.toLowerCase() === 'html' || /^\s*<!doctype\s+html\b/i.test(text)) return 'text/html';
  return /^\s*<\?xml\s/.test(text) ? 'application/xml' : undefined;
}

function isUtf16(head: Buffer): boolean {
  const mark = head.subarray(0, 2).toString('hex');
  return mark === 'fffe' || mark === 'feff';
}

function decode(head: Buffer): string {
  const text = isUtf16(head)
    ? new TextDecoder(head[0] === 0xff ? 'utf-16le' : 'utf-16be').decode(head)
    : head.toString('utf8');
  return text.replace(/^\uFEFF/, '');
}

/** Where the root element begins; the end of the text when it is not in the window. */
function skipProlog(text: string): number {
  let at = 0;
  for (;;) {
    at += /^\s*/.exec(text.slice(at))?.[0].length ?? 0;
    const end = endOfProlog(text, at);
    if (end === undefined) return at;
    at = end;
  }
}

function endOfProlog(text: string, at: number): number | undefined {
  if (text.startsWith('<?', at)) return after(text, '?>', at);
  if (text.startsWith('<!--', at)) return after(text, '-->', at);
  if (!/^<!doctype/i.test(text.slice(at, at + 9))) return undefined;
  const subset = text.indexOf('[', at);
  const close = text.indexOf('>', at);
  return subset >= 0 && subset < close ? after(text, '>', after(text, ']', subset)) : after(text, '>', at);
}

function after(text: string, mark: string, from: number): number {
  const at = text.indexOf(mark, from);
  return at < 0 ? text.length : at + mark.length;
}
