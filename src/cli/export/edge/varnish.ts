import { Fault } from '../../../domain/faults.js';
import { immutable } from '../texts.js';
import { checkBytes } from './limits.js';
import {
  backendPath,
  type EdgeFile,
  type EdgeRow,
  type EdgeTable,
  edgeName,
  headline,
  ownPattern,
  pinNames,
  shortId,
  storedText,
} from './table.js';

/**
 * Varnish (VCL 4.1): one file that defines parts of `vcl_recv`, `vcl_backend_response` and `vcl_deliver`; Varnish joins
 * them with those of the VCL that includes it. VCL has no tables, so the paths are a tree: branches by prefix, a sub each,
 * and leaves of text that a regular expression with a back reference looks through. Paths are compared in one canonical percent-encoding, which needs no quoting anywhere.
 *
 * The VCL compiler hands all of it to gcc at once, and `vcl.load` is given up after a minute (`cli_timeout`). Measured on two
 * busy cores: 22 s for 10,000 paths in 1.2 MB, more than two minutes for twice that.
 */
const vclBytes = 1_250_000;

export function varnishFiles(table: EdgeTable): readonly EdgeFile[] {
  const { rows, backend } = table;
  if (backend.protocol !== 'http:') {
    throw new Fault('usage', `Varnish speaks no TLS to ${backend.href}: expected --backend with an http URL`);
  }
  const file = { name: 'nightpress.vcl', text: vclText(table) };
  checkBytes(file, vclBytes, `Varnish, which has to compile ${rows.length} paths,`);
  return [file];
}

/** `path|path value|path value|`: the line of the path asked for. */
const leafPattern = '^([^|]+)[|](?:.*?[|])?\\1 ([^|]+)[|]';
/** `index;places:key;places:key`: the key at that place. */
const placePattern = '^([0-9]+);(?:.*;)?(?:[0-9]+,)*\\1(?:,[0-9]+)*:([^;]+)';

function vclText(table: EdgeTable): string {
  const { backend, snapshots } = table;
  const prefix = canonical(decodeURIComponent(table.prefix));
  const names = pinNames(table);
  const own = edgeName(table);
  const tree = treeOf(table.rows, `${own}_find`);
  const base = backendPath(table);
  return `vcl 4.1;
${headline(table, '#')}
# Include it first in your VCL, or use it as it is.

backend ${own}_origin {
  .host = "${backend.hostname}";
  .port = "${backend.port || 80}";
}

${tree.subs.join('\n')}
sub ${own}_branch {
${tree.body}}

sub ${own}_find {
  call ${own}_branch;
  if (req.http.nightpress-leaf ~ "${leafPattern}") {
    set req.http.nightpress-value = req.http.nightpress-index + ";" + regsub(req.http.nightpress-leaf, "${leafPattern}.*$", "\\2");
    if (req.http.nightpress-value ~ "^[0-9]+;[^:]+$") {
      set req.http.nightpress-key = regsub(req.http.nightpress-value, "^[0-9]+;", "");
    } elsif (req.http.nightpress-value ~ "${placePattern}") {
      set req.http.nightpress-key = regsub(req.http.nightpress-value, "${placePattern}.*$", "\\2");
    }
  }
  unset req.http.nightpress-leaf;
  unset req.http.nightpress-value;
}

sub ${own}_canonical {
  set req.http.nightpress-path = ${normalising('req.http.nightpress-path')};
}

sub ${own}_pin {
  set req.http.nightpress-index = "0";
  set req.http.nightpress-pin = regsub(";" + req.http.Cookie, "^.*; *nightpress=([0-9a-f]+) *(;.*)?$", "\\1");
${choices('req.http.nightpress-pin', names)}
  unset req.http.nightpress-pin;
  if (req.http.nightpress-path ~ "^/s/(${names.map(([name]) => name).join('|')})/") {
    set req.http.nightpress-pin = regsub(req.http.nightpress-path, "^/s/([0-9a-f]+)/.*$", "\\1");
${choices('req.http.nightpress-pin', names)}
    set req.http.nightpress-path = regsub(req.http.nightpress-path, "^/s/[0-9a-f]+", "");
  }
}

sub ${own}_recv {
  if (req.method != "GET" && req.method != "HEAD") { return (synth(405)); }
  if (req.http.nightpress-path ~ "[^A-Za-z0-9/._~-]") { call ${own}_canonical; }
  set req.http.nightpress-path = regsub(req.http.nightpress-path, "^${regex(prefix)}", "");
  call ${own}_pin;
  call ${own}_find;
  set req.http.nightpress-job = "${own}";
  if (req.http.nightpress-key) {
    set req.http.nightpress-kind = "stable";
    if (req.http.nightpress-pin) { set req.http.nightpress-kind = "pinned"; }
    # Varnish compares If-None-Match with one tag, not with a list.
    set req.http.nightpress-known = regsub(req.http.nightpress-key, "^.*([0-9a-f]{64}).*$", "\\1") + " " + req.http.If-None-Match;
    if (req.http.nightpress-known ~ "^([0-9a-f]{64}) .*\\1") {
      set req.http.If-None-Match = {"""} + regsub(req.http.nightpress-known, " .*$", "") + {"""};
    }
    unset req.http.nightpress-known;
  } elsif (!req.http.nightpress-pin && req.http.nightpress-path ~ "^${ownPattern}$") {
    set req.http.nightpress-key = regsub(req.http.nightpress-path, "^/", "");
  } else {
    return (synth(404));
  }
  set req.url = "${base}/" + req.http.nightpress-key;
  set req.http.Host = "${backend.host}";
  set req.backend_hint = ${own}_origin;
  unset req.http.Cookie;
  return (hash);
}

sub vcl_recv {
  unset req.http.nightpress-job;
  unset req.http.nightpress-key;
  unset req.http.nightpress-kind;
  unset req.http.nightpress-pin;
  unset req.http.nightpress-index;
  unset req.http.nightpress-leaf;
  set req.http.nightpress-path = regsub(req.url, "[?].*$", "");
  if (req.http.nightpress-path ~ "^${regex(prefix)}/") { call ${own}_recv; }
  unset req.http.nightpress-path;
}

sub vcl_backend_response {
  # The origin's own validators may be made of time and size, which can be equal in two snapshots.
  if (bereq.http.nightpress-key ~ "^b/.*[0-9a-f]{64}" && beresp.status == 200) {
    set beresp.http.ETag = {"""} + regsub(bereq.http.nightpress-key, "^.*([0-9a-f]{64}).*$", "\\1") + {"""};
    unset beresp.http.Last-Modified;
  }
}

sub vcl_deliver {
  if (req.http.nightpress-job == "${own}" && req.http.nightpress-kind && resp.status < 400) {
    set resp.http.Cache-Control = "no-cache";
    unset resp.http.Expires;
    if (req.http.nightpress-kind == "pinned") { set resp.http.Cache-Control = "${immutable}"; }
${snapshots.map((id, at) => `    if (req.http.nightpress-index == "${at}") { set resp.http.Nightpress-Snapshot = "${shortId(id)}"; }`).join('\n')}
  }
}
`;
}

function choices(header: string, names: readonly (readonly [string, number])[]): string {
  const tests = names.map(([name, at]) => `if (${header} == "${name}") { set req.http.nightpress-index = "${at}"; }`);
  return `  ${tests.join('\n  els')}`;
}

interface Tree {
  readonly body: string;
  /** Subs that the body calls. */
  readonly subs: readonly string[];
}

type Line = readonly [path: string, value: string];

/** A leaf is searched by one regular expression, which Varnish gives up after 10,000 steps (`pcre2_match_limit`). */
const leafBytes = 6000;

/** Branches by prefix, down to leaves of some dozen paths: gcc takes its time for each statement, not for data. */
function treeOf(rows: readonly EdgeRow[], called: string): Tree {
  const subs: string[] = [];
  const grow = (lines: readonly Line[], from: number): string => {
    const text = leafText(lines);
    if (lines.length === 1 || text.length <= leafBytes) {
      return `  set req.http.nightpress-leaf = req.http.nightpress-path + "|" + "${text}";\n`;
    }
    const shared = sharedLength(lines, from);
    return [...groupsAt(lines, shared)].map(([start, group]) => branch(start, group, shared)).join('');
  };
  const branch = (start: string, group: readonly Line[], shared: number): string => {
    const body = grow(group, shared + 1);
    const name = `${called}_${subs.length}`;
    subs.push(`sub ${name} {\n${body}}\n`);
    return `  if (req.http.nightpress-path ~ "^${regex(start)}") { call ${name}; }\n`;
  };
  const lines = rows.map((row): Line => [`/${canonical(row.path)}`, storedText(row).replaceAll(' ', ';')]);
  // A path that another one begins with comes first: its branch is taken for both, and the longer one decides.
  const body = grow(
    lines.sort(([a], [b]) => (a < b ? -1 : 1)),
    0,
  );
  return { body, subs };
}

function leafText(lines: readonly Line[]): string {
  return lines.map(([path, value]) => `${path} ${value}|`).join('');
}

function groupsAt(lines: readonly Line[], at: number): ReadonlyMap<string, readonly Line[]> {
  const groups = new Map<string, Line[]>();
  for (const line of lines) {
    const start = line[0].slice(0, at + 1);
    const group = groups.get(start);
    if (group) group.push(line);
    else groups.set(start, [line]);
  }
  return groups;
}

/** How far all of them agree. */
function sharedLength(lines: readonly Line[], from: number): number {
  const [[first] = ['']] = lines;
  let length = from;
  while (length < first.length && lines.every(([path]) => path[length] === first[length])) length++;
  return length;
}

/** Letters, digits, `-._~` and the slashes as they are, every other byte as %XX in capitals. */
function canonical(path: string): string {
  return encodeURIComponent(path)
    .replace(/%2F/g, '/')
    .replace(/[!'()*]/g, (char) => percent(char));
}

function percent(char: string): string {
  return `%${char.charCodeAt(0).toString(16).toUpperCase()}`;
}

/** What a client may write otherwise: digits in small letters, marks that need no encoding encoded, others not. */
function normalising(header: string): string {
  const steps: (readonly [pattern: string, by: string])[] = [
    ...[...'abcdef'].map((digit) => [`%([0-9A-Fa-f])${digit}`, `%\\1${digit.toUpperCase()}`] as const),
    ...[...'abcdef'].map((digit) => [`%${digit}([0-9A-F])`, `%${digit.toUpperCase()}\\1`] as const),
    ...[...'-._~'].map((mark) => [percent(mark), mark] as const),
    ...[..."!$&'()*+,:;<=>@[]^`{|}"].map(
      (mark) => [`[${mark === '^' || mark === ']' ? `\\${mark}` : mark}]`, percent(mark)] as const,
    ),
  ];
  return steps.reduce((inner, [pattern, by]) => `regsuball(${inner}, "${pattern}", "${by}")`, header);
}

function regex(text: string): string {
  return text.replaceAll('.', '[.]');
}
