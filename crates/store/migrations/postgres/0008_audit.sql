-- The audit log: a chain of records (see the domain's audit.rs), where it ends, its signed checkpoints, and beside it what is
-- personal, sealed, which alone can be erased. A record and a checkpoint are written once: triggers refuse everything else.
-- Whoever appends locks the one row of audit_head until its transaction ends, so that the chain has no gap and no fork.

CREATE TABLE audit (
    seq  BIGINT NOT NULL PRIMARY KEY,
    at   BIGINT NOT NULL,
    prev BYTEA  NOT NULL,
    body TEXT   NOT NULL,
    hash BYTEA  NOT NULL
);

CREATE TABLE audit_head (
    one  INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    seq  BIGINT  NOT NULL,
    hash BYTEA   NOT NULL
);
INSERT INTO audit_head (one, seq, hash) VALUES (1, 0, decode(repeat('00', 32), 'hex'));

CREATE TABLE audit_details (
    seq     BIGINT NOT NULL PRIMARY KEY,
    user_id TEXT COLLATE "C",
    sealed  BYTEA  NOT NULL
);
-- By user and age. Written when something happens to a person, not with every code.
CREATE INDEX audit_details_user ON audit_details (user_id, seq) WHERE user_id IS NOT NULL;

CREATE TABLE audit_checkpoints (
    seq         BIGINT NOT NULL PRIMARY KEY,
    at          BIGINT NOT NULL,
    hash        BYTEA  NOT NULL,
    signing_key TEXT   NOT NULL,
    signature   BYTEA  NOT NULL
);

CREATE FUNCTION audit_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is only added to', TG_TABLE_NAME;
END
$$;
CREATE TRIGGER audit_is_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION audit_is_kept();
CREATE TRIGGER audit_checkpoints_are_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_checkpoints
    FOR EACH STATEMENT EXECUTE FUNCTION audit_is_kept();
