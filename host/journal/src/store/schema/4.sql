-- What is open is found without a look at what is not, and counted without a look at all. Each
-- of these columns is NULL where it does not apply (see agenda.rs), so that a row that is over
-- stands in none of their indexes. `key`, `fingerprint` and `opened_at` are filled no longer:
-- the record has them.
ALTER TABLE incidents ADD COLUMN same_alert INTEGER;
ALTER TABLE incidents ADD COLUMN same_key INTEGER;
ALTER TABLE incidents ADD COLUMN queued INTEGER;
ALTER TABLE incidents ADD COLUMN due INTEGER;
ALTER TABLE incidents ADD COLUMN said_resolved INTEGER;
ALTER TABLE incidents ADD COLUMN owed INTEGER;
CREATE INDEX incidents_same_alert ON incidents (same_alert) WHERE same_alert IS NOT NULL;
CREATE INDEX incidents_same_key ON incidents (same_key) WHERE same_key IS NOT NULL;
CREATE INDEX incidents_queued ON incidents (policy, id) WHERE queued IS NOT NULL;
CREATE INDEX incidents_due ON incidents (due) WHERE due IS NOT NULL;
CREATE INDEX incidents_said_resolved ON incidents (id) WHERE said_resolved IS NOT NULL;
CREATE INDEX incidents_owed ON incidents (id) WHERE owed IS NOT NULL;
CREATE INDEX runs_unfinished ON runs (place) WHERE ended_at IS NULL;

-- Rows of an older version that these columns are still to be filled in of, in steps.
DROP INDEX incidents_open;
CREATE INDEX incidents_unfilled ON incidents (place) WHERE closed_at IS NULL AND key <> '';

-- Headers are compressed from here on: of all that a closed run leaves they are the most. Those
-- of an older version stay in `header`.
ALTER TABLE runs ADD COLUMN packed_header BLOB;

-- How many incidents of a policy are open in each state, how many of its runs are unfinished, and
-- how many bytes it holds: written with each change.
CREATE TABLE tallies (
  what        TEXT NOT NULL,
  policy      TEXT NOT NULL,
  number      INTEGER NOT NULL,
  crc         INTEGER NOT NULL,
  PRIMARY KEY (what, policy)
) STRICT, WITHOUT ROWID;
