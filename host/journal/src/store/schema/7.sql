-- Since when storms are over because somebody resumed; an empty policy is all of them. In
-- milliseconds since 1970.
CREATE TABLE storms_over (
  policy      TEXT PRIMARY KEY,
  at          INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
