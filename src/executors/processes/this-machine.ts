import type { ProcessTable } from './table.js';
import { linuxTable } from './table-linux.js';
import { psTable } from './table-ps.js';

export function tableOfThisMachine(): ProcessTable {
  return process.platform === 'linux' ? linuxTable : psTable;
}
