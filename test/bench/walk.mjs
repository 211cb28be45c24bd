/** A bare walk-and-stat: every name listed, every file asked for its times, nothing kept but a count. */
import { lstatSync, readdirSync } from 'node:fs';

let files = 0;
const open = [process.argv[2]];
for (let folder = open.pop(); folder !== undefined; folder = open.pop()) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const name = `${folder}/${entry.name}`;
    if (entry.isDirectory()) open.push(name);
    else if (lstatSync(name, { bigint: true }).isFile()) files++;
  }
}
console.log(files);
