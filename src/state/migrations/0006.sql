-- Stores that were tried before the first commit and keep what a commit relies on; when. One that does not is tried again.
CREATE TABLE proved_store (
  place TEXT NOT NULL PRIMARY KEY,
  at INTEGER NOT NULL
) STRICT;
