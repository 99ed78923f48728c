-- The audit trail: what people did, or were refused. `row` is JSON as RFC 8785 writes it, without its
-- hash; `hash` is the SHA-256 of exactly this text. Each row names the hash of the one before it.
CREATE TABLE audit (
  sequence    INTEGER PRIMARY KEY,
  at          INTEGER NOT NULL,
  hash        TEXT NOT NULL,
  row         TEXT NOT NULL
) STRICT;

-- Acts that have begun, and of which nobody has said yet what came of them.
CREATE TABLE audit_begun (
  id          INTEGER PRIMARY KEY,
  at          INTEGER NOT NULL,
  act         TEXT NOT NULL
) STRICT;
