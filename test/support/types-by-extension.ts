import path from 'node:path';

const types: Readonly<Record<string, string>> = {
  '.avif': 'image/avif',
  '.html': 'text/html',
  '.jpg': 'image/jpeg',
  '.js': 'text/javascript',
  '.json': 'application/json',
  '.txt': 'text/plain',
  '.webp': 'image/webp',
};

export function mediaTypeOf(file: string): string {
  return types[path.extname(file)] ?? 'application/octet-stream';
}
