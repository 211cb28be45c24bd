/** What would end a line, or steer a terminal, when a command is shown. */
const hidden = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u;

/** Quoted for any shell, also the oldest: what calls a crontab. Hidden characters stay as they are. */
export function quotedWord(text: string): string {
  if (/^[\w./@:+-]+$/.test(text) && !text.startsWith('-')) return text;
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/**
 * Quoted so that a person can paste it. Hidden characters are written as octal bytes of UTF-8 in `$'…'`: POSIX.1-2024; bash,
 * zsh and ksh had it long before.
 */
export function shellWord(text: string): string {
  if (!hidden.test(text)) return quotedWord(text);
  const written = [...text].map((char) => {
    if (hidden.test(char)) return octal(char);
    return char === "'" || char === '\\' ? `\\${char}` : char;
  });
  return `$'${written.join('')}'`;
}

function octal(char: string): string {
  return [...Buffer.from(char)].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('');
}

/** A command about one asset; a key that begins with a dash would be read as an option. */
export function assetCommand(verb: 'try' | 'explain' | 'withdraw', job: string, key: string): string {
  return `nightpress ${verb} ${job} ${key.startsWith('-') ? '-- ' : ''}${shellWord(key)}`;
}

/** With more options, which must stand before `--`: behind it nothing is an option. */
export function withOptions(command: string, options: readonly string[]): string {
  const [, start = command, rest = ''] = /^(nightpress [\w-]+ \S+)( -- .*)$/s.exec(command) ?? [];
  return `${[start, ...options].join(' ')}${rest}`;
}
