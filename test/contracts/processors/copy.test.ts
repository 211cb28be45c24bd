import { writeFile } from 'node:fs/promises';
import { photo } from '../../support/pictures.js';
import { processorContract } from './suite.js';

processorContract({
  kind: 'copy',
  settings: {},
  good: { key: 'press/logo.png', write: async (file) => await writeFile(file, await photo(40, 30).png().toBuffer()) },
  bad: [],
  acceptsAnything: true,
});
