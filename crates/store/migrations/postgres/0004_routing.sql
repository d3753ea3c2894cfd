-- What routing remembers. What became of each message, as nodes tell each other: rows are added and never changed, and
-- dropped when they are a day old; `at` is when a row was added, so both indexes only grow at their ends. What operators
-- switched. What is set aside for which attempt. What providers cost in a month needs no table of its own: it stands in
-- rows of buckets, with the domain's SpendBook in charges, and is locked in one order with the paces.

CREATE TABLE observations (
    attempt TEXT COLLATE "C" NOT NULL,
    kind    TEXT COLLATE "C" NOT NULL,
    at      BIGINT NOT NULL,
    body    TEXT   NOT NULL,
    PRIMARY KEY (attempt, kind)
);
CREATE INDEX observations_at ON observations (at);

CREATE TABLE provider_switches (
    provider            TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    enabled             BOOLEAN,
    monthly_spend_limit TEXT,
    changed_at          BIGINT NOT NULL
);

-- Nearly empty when all is answered: what is settled or given back is deleted.
CREATE TABLE reservations (
    application_id  BIGINT NOT NULL,
    verification_id TEXT COLLATE "C" NOT NULL,
    attempt_id      TEXT COLLATE "C" NOT NULL,
    provider        TEXT   NOT NULL,
    month           TEXT   NOT NULL,
    set_aside       TEXT   NOT NULL,
    PRIMARY KEY (application_id, verification_id, attempt_id)
);
