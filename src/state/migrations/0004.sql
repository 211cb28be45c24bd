-- Uploads in parts that were begun at an origin and are not known to have ended.
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
