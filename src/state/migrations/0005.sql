-- The newest live seq that each edge accepted to be told of, and of which origin. What is live and not told is told again.
CREATE TABLE told (
  edge TEXT NOT NULL PRIMARY KEY,
  origin TEXT NOT NULL,
  seq INTEGER NOT NULL,
  at INTEGER NOT NULL
) STRICT;
