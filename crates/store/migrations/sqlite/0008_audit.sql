-- The audit log: a chain of records (see the domain's audit.rs), where it ends, its signed checkpoints, and beside it what is
-- personal, sealed, which alone can be erased. A record and a checkpoint are written once: triggers refuse everything else.

CREATE TABLE audit (
    seq  INTEGER NOT NULL PRIMARY KEY,
    at   INTEGER NOT NULL,
    prev BLOB    NOT NULL,
    body TEXT    NOT NULL,
    hash BLOB    NOT NULL
) STRICT;
CREATE TRIGGER audit_is_not_updated BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'audit records are never changed'); END;
CREATE TRIGGER audit_is_not_deleted BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'audit records are never deleted'); END;
-- INSERT OR REPLACE deletes without the trigger above.
CREATE TRIGGER audit_is_not_replaced BEFORE INSERT ON audit WHEN EXISTS (SELECT 1 FROM audit WHERE seq = NEW.seq)
BEGIN SELECT RAISE(ABORT, 'audit records are never changed'); END;

CREATE TABLE audit_head (
    one  INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    seq  INTEGER NOT NULL,
    hash BLOB    NOT NULL
) STRICT;
INSERT INTO audit_head (one, seq, hash) VALUES (1, 0, zeroblob(32));

CREATE TABLE audit_details (
    seq     INTEGER NOT NULL PRIMARY KEY,
    user_id TEXT,
    sealed  BLOB    NOT NULL
) STRICT;
-- By user and age. Written when something happens to a person, not with every code.
CREATE INDEX audit_details_user ON audit_details (user_id, seq) WHERE user_id IS NOT NULL;

CREATE TABLE audit_checkpoints (
    seq         INTEGER NOT NULL PRIMARY KEY,
    at          INTEGER NOT NULL,
    hash        BLOB    NOT NULL,
    signing_key TEXT    NOT NULL,
    signature   BLOB    NOT NULL
) STRICT;
CREATE TRIGGER audit_checkpoints_are_not_updated BEFORE UPDATE ON audit_checkpoints
BEGIN SELECT RAISE(ABORT, 'audit checkpoints are never changed'); END;
CREATE TRIGGER audit_checkpoints_are_not_deleted BEFORE DELETE ON audit_checkpoints
BEGIN SELECT RAISE(ABORT, 'audit checkpoints are never deleted'); END;
CREATE TRIGGER audit_checkpoints_are_not_replaced BEFORE INSERT ON audit_checkpoints
WHEN EXISTS (SELECT 1 FROM audit_checkpoints WHERE seq = NEW.seq)
BEGIN SELECT RAISE(IGNORE); END;
