-- The schema that migrations/ add up to, for reading. Refresh: UPDATE_SCHEMA=1 npx vitest run --config test/vitest.config.ts test/state/schema.test.ts

CREATE TABLE accepted (
  item TEXT NOT NULL PRIMARY KEY,
  key TEXT NOT NULL,
  recipe TEXT NOT NULL,
  fingerprint TEXT,
  code TEXT NOT NULL,
  reason TEXT NOT NULL,
  until INTEGER,
  at INTEGER NOT NULL
) STRICT;

CREATE TABLE approval (
  opens INTEGER NOT NULL,
  rule TEXT NOT NULL,
  reason TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (opens, rule)
) STRICT, WITHOUT ROWID;

CREATE TABLE asset (
  key TEXT PRIMARY KEY,
  bytes INTEGER NOT NULL,
  modified_at REAL NOT NULL,
  listing TEXT,
  sha256 TEXT,
  recipes INTEGER NOT NULL,
  settled TEXT,
  first_seen_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE attempt (
  run TEXT NOT NULL,
  item TEXT NOT NULL,
  number INTEGER NOT NULL,
  started_at INTEGER NOT NULL,
  ended_at INTEGER NOT NULL,
  outcome TEXT NOT NULL,
  detail TEXT, code TEXT, class TEXT, log TEXT,
  PRIMARY KEY (run, item, number),
  FOREIGN KEY (run, item) REFERENCES item (run, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE change (
  run TEXT NOT NULL REFERENCES run (id) ON DELETE CASCADE,
  key TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('added', 'changed', 'again', 'removed', 'unreadable')),
  asset TEXT CHECK (json_valid(asset)),
  sha256 TEXT,
  recipes INTEGER NOT NULL,
  PRIMARY KEY (run, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE cost (
  recipe TEXT NOT NULL,
  ext TEXT NOT NULL,
  size INTEGER NOT NULL,
  ratios TEXT NOT NULL CHECK (json_valid(ratios)),
  PRIMARY KEY (recipe, ext, size)
) STRICT, WITHOUT ROWID;

CREATE TABLE "item" (
  ordinal INTEGER PRIMARY KEY,
  run TEXT NOT NULL REFERENCES run (id) ON DELETE CASCADE,
  id TEXT NOT NULL,
  key TEXT NOT NULL,
  recipe TEXT NOT NULL,
  because TEXT NOT NULL,
  predicted_seconds REAL NOT NULL,
  partition TEXT,
  state TEXT NOT NULL CHECK (state IN ('todo', 'claimed', 'ended')),
  attempts INTEGER NOT NULL DEFAULT 0,
  disposition TEXT CHECK (disposition IN ('done', 'reused', 'carried', 'failed', 'quarantined', 'withheld')),
  finding TEXT CHECK (json_valid(finding)),
  fingerprint TEXT,
  sha256 TEXT,
  staged TEXT CHECK (json_valid(staged)),
  ended_at INTEGER,
  CHECK ((state = 'ended') = (disposition IS NOT NULL)),
  UNIQUE (run, id),
  FOREIGN KEY (run, partition) REFERENCES partition (run, id)
) STRICT;

CREATE INDEX item_by_key ON item (key);

CREATE INDEX item_by_partition ON item (run, partition);

CREATE TABLE made (
  fingerprint TEXT NOT NULL PRIMARY KEY,
  source TEXT NOT NULL CHECK (json_valid(source)),
  outputs TEXT NOT NULL CHECK (json_valid(outputs)),
  placeholder TEXT,
  made_at INTEGER NOT NULL,
  used_by INTEGER NOT NULL
) STRICT;

CREATE TABLE partition (
  run TEXT NOT NULL REFERENCES run (id) ON DELETE CASCADE,
  id TEXT NOT NULL,
  ordinal INTEGER NOT NULL,
  items INTEGER NOT NULL,
  predicted_seconds REAL NOT NULL,
  PRIMARY KEY (run, id),
  UNIQUE (run, ordinal)
) STRICT, WITHOUT ROWID;

CREATE TABLE proved_store (
  place TEXT NOT NULL PRIMARY KEY,
  at INTEGER NOT NULL
) STRICT;

CREATE TABLE quarantine (
  fingerprint TEXT NOT NULL PRIMARY KEY,
  key TEXT NOT NULL,
  recipe TEXT NOT NULL,
  finding TEXT NOT NULL CHECK (json_valid(finding)),
  run TEXT NOT NULL,
  at INTEGER NOT NULL
) STRICT;

CREATE TABLE remembered_origin (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  origin TEXT NOT NULL,
  seq INTEGER NOT NULL,
  snapshot TEXT
) STRICT;

CREATE TABLE run (
  ordinal INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  opens INTEGER NOT NULL REFERENCES "window" (opens),
  verb TEXT NOT NULL CHECK (verb IN ('run', 'rerun', 'retry')),
  started_at INTEGER NOT NULL,
  job_digest TEXT NOT NULL,
  log TEXT NOT NULL,
  phase TEXT NOT NULL CHECK (phase IN ('scanning', 'planned', 'working', 'validating', 'publishing', 'ended')),
  plan TEXT CHECK (json_valid(plan)),
  outcome TEXT CHECK (
    outcome IN ('published', 'unchanged', 'incomplete', 'held', 'failed', 'interrupted', 'superseded', 'unknown')
  ),
  snapshot TEXT,
  ended_at INTEGER,
  result TEXT CHECK (json_valid(result)),
  CHECK ((phase = 'ended') = (outcome IS NOT NULL)),
  CHECK ((outcome IS NULL) = (ended_at IS NULL)),
  CHECK (phase IN ('scanning', 'ended') OR plan IS NOT NULL)
) STRICT;

CREATE INDEX run_by_window ON run (opens);

CREATE UNIQUE INDEX run_without_outcome ON run ((outcome IS NULL)) WHERE outcome IS NULL;

CREATE TABLE swap (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  txn TEXT NOT NULL,
  run TEXT,
  seq INTEGER NOT NULL,
  snapshot TEXT,
  at INTEGER NOT NULL
) STRICT;

CREATE TABLE told (
  edge TEXT NOT NULL PRIMARY KEY,
  origin TEXT NOT NULL,
  seq INTEGER NOT NULL,
  at INTEGER NOT NULL
) STRICT;

CREATE TABLE upload (
  upload TEXT NOT NULL PRIMARY KEY,
  place TEXT NOT NULL,
  key TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE upload_part (
  upload TEXT NOT NULL REFERENCES upload (upload) ON DELETE CASCADE,
  number INTEGER NOT NULL,
  etag TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  PRIMARY KEY (upload, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE "window" (
  opens INTEGER PRIMARY KEY,
  closes INTEGER NOT NULL,
  label TEXT NOT NULL,
  scheduled INTEGER NOT NULL CHECK (scheduled IN (0, 1)),
  outcome TEXT CHECK (
    outcome IN ('published', 'unchanged', 'incomplete', 'held', 'failed', 'interrupted', 'unknown')
  ),
  run TEXT,
  snapshot TEXT
) STRICT;

CREATE TABLE worker_group (
  pgid INTEGER PRIMARY KEY,
  started_at TEXT NOT NULL,
  run TEXT NOT NULL
) STRICT;
