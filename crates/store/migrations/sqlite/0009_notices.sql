-- What people, operators and applications have still to be told: one row for each target. `line` is what is sent one beside
-- the other: mail, or webhook:NAME. A lease says who sends it now and until when; whatever is waiting, due and without a
-- running lease is anybody's. The address of a mail is sealed, and wiped at the end.

CREATE TABLE notices (
    application_id INTEGER NOT NULL,
    id             TEXT    NOT NULL,
    kind           TEXT    NOT NULL,
    user_id        TEXT,
    line           TEXT    NOT NULL,
    target         TEXT    NOT NULL CHECK (target IN ('person', 'operator', 'webhook')),
    address        BLOB,
    masked         TEXT,
    at             INTEGER NOT NULL,
    sequence       INTEGER NOT NULL,
    detail         TEXT    NOT NULL,
    state          TEXT    NOT NULL CHECK (state IN ('waiting', 'sent', 'failed')),
    tries          INTEGER NOT NULL,
    due_at         INTEGER NOT NULL,
    ended_at       INTEGER,
    lease_holder   TEXT,
    lease_until    INTEGER,
    PRIMARY KEY (application_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX notices_due ON notices (line, due_at) WHERE state = 'waiting';
CREATE INDEX notices_at ON notices (at);
CREATE INDEX notices_of ON notices (application_id, user_id);
