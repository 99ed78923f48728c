-- Who has paused what; an empty policy is the whole host. A host that starts begins with these.
CREATE TABLE pauses (
  policy      TEXT PRIMARY KEY,
  crc         INTEGER NOT NULL,
  record      TEXT NOT NULL
) STRICT, WITHOUT ROWID;
