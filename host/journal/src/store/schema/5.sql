-- Who has paused what; an empty policy is the whole host. A host that starts begins with these.
CREATE TABLE pauses (
  policy      TEXT PRIMARY KEY,
  crc         INTEGER NOT NULL,
  record      TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Incidents wait in lines: for a run, to be confirmed, for another attempt, and one for each
-- namespace in which the host lacks a right (see lines.rs). The first of each is found at once.
DROP INDEX incidents_queued;
CREATE INDEX incidents_lines ON incidents (policy, queued, id) WHERE queued IS NOT NULL;
