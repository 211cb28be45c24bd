-- An item may end as withheld: its content was withdrawn from the origin and must not be published. A CHECK cannot be
-- altered, so the table is made anew.
CREATE TABLE item_now (
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

INSERT INTO item_now
SELECT ordinal, run, id, key, recipe, because, predicted_seconds, partition, state, attempts, disposition, finding,
  fingerprint, sha256, staged, ended_at
FROM item;

DROP TABLE item;

ALTER TABLE item_now RENAME TO item;

CREATE INDEX item_by_key ON item (key);

CREATE INDEX item_by_partition ON item (run, partition);
