-- What vendors and people tell later. A delivery that a vendor took may keep a lease of the holder `node_000…`, which is
-- nobody: until then a receipt or a check is awaited, and then recovery finds it.

ALTER TABLE attempts
    ADD COLUMN receipt    TEXT,
    ADD COLUMN receipt_at BIGINT,
    ADD COLUMN decision   TEXT;

-- Attempts by the vendor's own id, for vendors that do not give our name back. Kept for three days at the most. The key is
-- random to us; only such vendors' messages pay for it.
CREATE TABLE open_attempts (
    provider        TEXT COLLATE "C" NOT NULL,
    handle          TEXT COLLATE "C" NOT NULL,
    application_id  BIGINT NOT NULL,
    verification_id TEXT COLLATE "C" NOT NULL,
    attempt_id      TEXT COLLATE "C" NOT NULL,
    at              BIGINT NOT NULL,
    PRIMARY KEY (provider, handle)
);
CREATE INDEX open_attempts_at ON open_attempts (at);

-- Who told us to stop, by channel, for every application.
CREATE TABLE stops (
    recipient BYTEA  NOT NULL,
    channel   TEXT   NOT NULL,
    at        BIGINT NOT NULL,
    PRIMARY KEY (recipient, channel)
);
