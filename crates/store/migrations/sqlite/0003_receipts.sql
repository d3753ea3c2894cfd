-- What vendors and people tell later. A delivery that a vendor took may keep a lease of the holder `node_000…`, which is
-- nobody: until then a receipt or a check is awaited, and then recovery finds it.

ALTER TABLE attempts ADD COLUMN receipt TEXT;
ALTER TABLE attempts ADD COLUMN receipt_at INTEGER;
ALTER TABLE attempts ADD COLUMN decision TEXT;

-- Attempts by the vendor's own id, for vendors that do not give our name back. Kept for three days at the most.
CREATE TABLE open_attempts (
    provider        TEXT    NOT NULL,
    handle          TEXT    NOT NULL,
    application_id  INTEGER NOT NULL,
    verification_id TEXT    NOT NULL,
    attempt_id      TEXT    NOT NULL,
    at              INTEGER NOT NULL,
    PRIMARY KEY (provider, handle)
) STRICT, WITHOUT ROWID;
CREATE INDEX open_attempts_at ON open_attempts (at);

-- Who told us to stop, by channel, for every application.
CREATE TABLE stops (
    recipient BLOB    NOT NULL,
    channel   TEXT    NOT NULL,
    at        INTEGER NOT NULL,
    PRIMARY KEY (recipient, channel)
) STRICT, WITHOUT ROWID;
