-- How many messages each provider got, by span; see the domain's PaceBook. A store on SQLite serves one process, so there
-- are no nodes to write down here.

CREATE TABLE paces (
    provider TEXT    NOT NULL,
    span     INTEGER NOT NULL,
    book     TEXT    NOT NULL,
    PRIMARY KEY (provider, span)
) STRICT, WITHOUT ROWID;
