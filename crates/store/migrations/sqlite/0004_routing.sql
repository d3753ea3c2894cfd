-- What routing remembers. What became of each message, as nodes tell each other: rows are added and never changed, and
-- dropped when they are a day old; `at` is when a row was added, so both indexes only grow at their ends. What operators
-- switched. What providers cost in a month (see the domain's SpendBook), and what is set aside there for which attempt.

CREATE TABLE observations (
    attempt TEXT    NOT NULL,
    kind    TEXT    NOT NULL,
    at      INTEGER NOT NULL,
    body    TEXT    NOT NULL,
    PRIMARY KEY (attempt, kind)
) STRICT, WITHOUT ROWID;
CREATE INDEX observations_at ON observations (at);

CREATE TABLE provider_switches (
    provider            TEXT    NOT NULL PRIMARY KEY,
    enabled             INTEGER CHECK (enabled IN (0, 1)),
    monthly_spend_limit TEXT,
    changed_at          INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE spend_books (
    month    TEXT NOT NULL,
    provider TEXT NOT NULL,
    book     TEXT NOT NULL,
    PRIMARY KEY (month, provider)
) STRICT, WITHOUT ROWID;

-- Nearly empty when all is answered: what is settled or given back is deleted.
CREATE TABLE reservations (
    application_id  INTEGER NOT NULL,
    verification_id TEXT    NOT NULL,
    attempt_id      TEXT    NOT NULL,
    provider        TEXT    NOT NULL,
    month           TEXT    NOT NULL,
    set_aside       TEXT    NOT NULL,
    PRIMARY KEY (application_id, verification_id, attempt_id)
) STRICT, WITHOUT ROWID;
