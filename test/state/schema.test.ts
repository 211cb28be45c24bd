import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { openToWrite } from '../../src/state/database.js';
import { readMigrations, schemaOf } from '../../src/state/migrate.js';
import { afterTest, tempFolder } from './world.js';

const dump = new URL('../../src/state/schema.sql', import.meta.url);
const refresh = 'UPDATE_SCHEMA=1 npx vitest run --config test/vitest.config.ts test/state/schema.test.ts';

test('schema.sql is the schema of a fresh state', () => {
  const db = openToWrite({ file: path.join(tempFolder(), 'state.db'), migrations: readMigrations() });
  afterTest(() => db.close());
  const fresh = `-- The schema that migrations/ add up to, for reading. Refresh: ${refresh}\n\n${schemaOf(db)}`;
  if (process.env.UPDATE_SCHEMA === '1') writeFileSync(dump, fresh);
  expect(readFileSync(dump, 'utf8'), `refresh it with: ${refresh}`).toBe(fresh);
});
