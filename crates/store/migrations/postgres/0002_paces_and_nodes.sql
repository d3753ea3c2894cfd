-- The running nodes and what they tell each other: the newest key that each has loaded, and the breakers that it holds open
-- (JSON). Paces of providers need no table of their own: they are rows of buckets, with the domain's PaceBook in charges.

CREATE TABLE nodes (
    id            TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    seen_at       BIGINT NOT NULL,
    newest_kid    BIGINT NOT NULL,
    open_breakers TEXT   NOT NULL
) WITH (fillfactor = 20);
