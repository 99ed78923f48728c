-- Times are milliseconds since the Unix epoch. `crc` is the checksum of what a row is
-- found by and of what it holds (see seal.rs). JSON is kept as text, so that any SQLite
-- shell shows it; entries that are large are compressed with zstd.

-- Notifications that were accepted and are not routed yet.
CREATE TABLE inbox (
  id          INTEGER PRIMARY KEY,
  received_at INTEGER NOT NULL,
  policy      TEXT,
  crc         INTEGER NOT NULL,
  body        BLOB NOT NULL
) STRICT;

-- `place` is the order in which they came.
CREATE TABLE incidents (
  place       INTEGER PRIMARY KEY,
  id          TEXT NOT NULL UNIQUE,
  policy      TEXT NOT NULL,
  state       TEXT NOT NULL,
  key         TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  opened_at   INTEGER NOT NULL,
  closed_at   INTEGER,
  crc         INTEGER NOT NULL,
  record      TEXT NOT NULL
) STRICT;
CREATE INDEX incidents_open ON incidents (place) WHERE closed_at IS NULL;
CREATE INDEX incidents_closed ON incidents (closed_at) WHERE closed_at IS NOT NULL;
CREATE INDEX incidents_policy ON incidents (policy);
CREATE INDEX incidents_state ON incidents (state);

CREATE TABLE runs (
  place       INTEGER PRIMARY KEY,
  id          TEXT NOT NULL UNIQUE,
  incident    TEXT NOT NULL,
  policy      TEXT NOT NULL,
  state       TEXT NOT NULL,
  outcome     TEXT,
  started_at  INTEGER NOT NULL,
  ended_at    INTEGER,
  crc         INTEGER NOT NULL,
  record      TEXT NOT NULL,
  header_crc  INTEGER,
  header      TEXT
) STRICT;
CREATE INDEX runs_incident ON runs (incident);
CREATE INDEX runs_policy ON runs (policy);
CREATE INDEX runs_state ON runs (state);
CREATE INDEX runs_ended ON runs (ended_at) WHERE ended_at IS NOT NULL;

-- What runs did; `seq` counts from 1 without gaps in each run.
CREATE TABLE entries (
  run         TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  seq         INTEGER NOT NULL,
  step        INTEGER NOT NULL,
  at          INTEGER NOT NULL,
  packed      INTEGER NOT NULL,
  crc         INTEGER NOT NULL,
  body        BLOB NOT NULL,
  PRIMARY KEY (run, seq)
) STRICT;

-- How many entries a run has, written with each: without it, a record that has lost its
-- last entries would look whole.
CREATE TABLE tails (
  run         TEXT PRIMARY KEY REFERENCES runs (id) ON DELETE CASCADE,
  entries     INTEGER NOT NULL,
  crc         INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
