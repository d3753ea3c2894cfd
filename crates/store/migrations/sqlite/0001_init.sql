-- The first schema. Ids are text that sorts by time, moments are milliseconds since 1970 UTC, hashes and sealed values
-- are blobs. Every hot table is keyed by application and then by a time-ordered id, so it only grows at its end. Lists of
-- words are written with OR: for IN with three or more SQLite builds a temporary index, at every write.

CREATE TABLE meta (
    key   TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE keyring (
    kid        INTEGER NOT NULL PRIMARY KEY,
    key_use    TEXT    NOT NULL CHECK (key_use = 'code' OR key_use = 'seal' OR key_use = 'lookup'),
    wrapped    BLOB    NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE applications (
    id         INTEGER NOT NULL PRIMARY KEY,
    name       TEXT    NOT NULL UNIQUE,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE api_keys (
    id             TEXT    NOT NULL PRIMARY KEY,
    application_id INTEGER NOT NULL,
    authority      TEXT    NOT NULL CHECK (authority IN ('secret', 'public')),
    hash           BLOB    NOT NULL UNIQUE,
    hint           TEXT    NOT NULL,
    created_at     INTEGER NOT NULL,
    revoked_at     INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE verifications (
    application_id INTEGER NOT NULL,
    id             TEXT    NOT NULL,
    authority      TEXT    NOT NULL CHECK (authority IN ('secret', 'public')),
    created_at     INTEGER NOT NULL,
    expires_at     INTEGER NOT NULL,
    status         TEXT    NOT NULL
                   CHECK (status = 'pending' OR status = 'approved' OR status = 'canceled'
                        OR status = 'expired' OR status = 'max_checks_reached'),
    purpose        TEXT    NOT NULL,
    ladder         TEXT    NOT NULL,
    recipient      BLOB    NOT NULL,
    masked         TEXT    NOT NULL,
    personal       BLOB    NOT NULL,
    kid            INTEGER NOT NULL,
    salt           BLOB    NOT NULL,
    code_length    INTEGER NOT NULL,
    code_alphabet  TEXT    NOT NULL CHECK (code_alphabet IN ('digits', 'alphanumeric')),
    custom_code    BLOB,
    join_hash      BLOB,
    network        BLOB,
    locale         TEXT,
    max_checks     INTEGER NOT NULL,
    checks_used    INTEGER NOT NULL CHECK (checks_used <= max_checks),
    approved_at    INTEGER,
    redeemed_at    INTEGER,
    PRIMARY KEY (application_id, id),
    CHECK (custom_code IS NULL OR status = 'pending'),
    CHECK ((status = 'approved') = (approved_at IS NOT NULL))
) STRICT, WITHOUT ROWID;

-- A row is also a charge: recipient, network and public say against what, given_back that the network's was returned.
CREATE TABLE deliveries (
    application_id  INTEGER NOT NULL,
    verification_id TEXT    NOT NULL,
    id              TEXT    NOT NULL,
    created_at      INTEGER NOT NULL,
    ladder          TEXT,
    state           TEXT    NOT NULL CHECK (state = 'queued' OR state = 'sent' OR state = 'delivered'
                        OR state = 'undeliverable'),
    lease_holder    TEXT,
    lease_until     INTEGER,
    recipient       BLOB    NOT NULL,
    network         BLOB,
    public          INTEGER NOT NULL CHECK (public IN (0, 1)),
    given_back      INTEGER NOT NULL DEFAULT 0 CHECK (given_back IN (0, 1)),
    PRIMARY KEY (application_id, verification_id, id),
    CHECK ((lease_holder IS NULL) = (lease_until IS NULL))
) STRICT, WITHOUT ROWID;

-- Open deliveries alone, for taking over what a dead process left. Empty when all is done.
CREATE INDEX deliveries_leased ON deliveries (lease_until) WHERE lease_until IS NOT NULL;

CREATE TABLE attempts (
    application_id  INTEGER NOT NULL,
    verification_id TEXT    NOT NULL,
    id              TEXT    NOT NULL,
    number          INTEGER NOT NULL,
    delivery_id     TEXT    NOT NULL,
    channel         TEXT    NOT NULL,
    provider        TEXT    NOT NULL,
    round           INTEGER NOT NULL,
    state           TEXT    NOT NULL
                    CHECK (state = 'sending' OR state = 'accepted' OR state = 'delivered'
                        OR state = 'undelivered' OR state = 'rejected'
                        OR state = 'unknown'),
    outcome         TEXT,
    rejection       TEXT,
    vendor_id       TEXT,
    vendor_response TEXT,
    price           TEXT,
    started_at      INTEGER NOT NULL,
    finished_at     INTEGER,
    PRIMARY KEY (application_id, verification_id, id)
) STRICT, WITHOUT ROWID;

-- One row per verification that a code was compared with. A code held against several is charged once.
CREATE TABLE checks (
    application_id  INTEGER NOT NULL,
    verification_id TEXT    NOT NULL,
    number          INTEGER NOT NULL,
    at              INTEGER NOT NULL,
    recipient       BLOB    NOT NULL,
    public          INTEGER NOT NULL CHECK (public IN (0, 1)),
    charged         INTEGER NOT NULL CHECK (charged IN (0, 1)),
    verdict         TEXT    NOT NULL CHECK (verdict IN ('wrong', 'right')),
    PRIMARY KEY (application_id, verification_id, number)
) STRICT, WITHOUT ROWID;

-- Keyed by time first: it is read back only as "the last minute", and swept from its beginning.
CREATE TABLE idempotency (
    at     INTEGER NOT NULL,
    key    BLOB    NOT NULL,
    body   BLOB    NOT NULL,
    answer TEXT    NOT NULL,
    PRIMARY KEY (at, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE opt_outs (
    application_id INTEGER NOT NULL,
    recipient      BLOB    NOT NULL,
    provider       TEXT    NOT NULL,
    at             INTEGER NOT NULL,
    PRIMARY KEY (application_id, recipient, provider)
) STRICT, WITHOUT ROWID;

-- What an in-house service's table of codes used to show, for the queries that were written against one.
CREATE VIEW otp_verification AS
SELECT
    v.id AS id,
    v.masked AS phone,
    CASE v.purpose
        WHEN 'login' THEN 1
        WHEN 'registration' THEN 2
        WHEN 'password_reset' THEN 3
        ELSE v.purpose
    END AS purpose,
    v.checks_used AS attempts,
    v.status = 'approved' AS is_verified,
    datetime(v.expires_at / 1000, 'unixepoch') AS expires_at,
    (SELECT a.vendor_response
       FROM attempts a
      WHERE a.application_id = v.application_id AND a.verification_id = v.id
      ORDER BY a.number DESC
      LIMIT 1) AS vendor_response,
    datetime(v.created_at / 1000, 'unixepoch') AS created_at,
    datetime(v.approved_at / 1000, 'unixepoch') AS verified_at,
    v.application_id AS application_id
FROM verifications v;
