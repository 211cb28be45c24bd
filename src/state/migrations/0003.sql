-- How attempts failed: the finding's code and class, and the last lines the worker or its tool wrote.
ALTER TABLE attempt ADD COLUMN code TEXT;
ALTER TABLE attempt ADD COLUMN class TEXT;
ALTER TABLE attempt ADD COLUMN log TEXT;

-- Failures that somebody lives with. It covers an item while it fails in the same way on the same content: fingerprint
-- is null where the content could not be read. until in milliseconds since the epoch; null: while the content stays.
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

-- Gate rules that somebody lifted beforehand, each for one window.
CREATE TABLE approval (
  opens INTEGER NOT NULL,
  rule TEXT NOT NULL,
  reason TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (opens, rule)
) STRICT, WITHOUT ROWID;
