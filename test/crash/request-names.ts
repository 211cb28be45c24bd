const acts: Readonly<Record<string, string>> = {
  'POST uploads': 'begin upload of',
  'PUT partNumber': 'PUT part of',
  'POST uploadId': 'complete upload of',
  'GET list-type': 'list',
  'POST delete': 'DELETE of many keys',
};

/** What a first line asks, without names that are random or hashes. */
export function nameOf(line: string): string {
  const [method = '', where = ''] = line.split(' ');
  const { pathname, searchParams } = new URL(where, 'http://store');
  const act = Object.keys(acts).find(
    (one) => one.startsWith(`${method} `) && searchParams.has(one.split(' ')[1] ?? ''),
  );
  const object = pathname.replace(/^\/media\/?/, '') || (searchParams.get('prefix') ?? '');
  const key = object.replace('site/', '').replace(/^(b|g|log|m|tmp)\/.*/, '$1/…');
  return `${act === undefined ? method : acts[act]} ${key}`.trim();
}
