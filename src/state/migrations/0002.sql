-- What items really cost: of each sort of work the newest ratios of real to expected seconds (domain/cost.ts).
CREATE TABLE cost (
  recipe TEXT NOT NULL,
  ext TEXT NOT NULL,
  size INTEGER NOT NULL,
  ratios TEXT NOT NULL CHECK (json_valid(ratios)),
  PRIMARY KEY (recipe, ext, size)
) STRICT, WITHOUT ROWID;
