-- Keys that tokens are signed with join the keyring. SQLite changes a CHECK only by making the table again.

CREATE TABLE keyring_again (
    kid        INTEGER NOT NULL PRIMARY KEY,
    key_use    TEXT    NOT NULL CHECK (key_use = 'code' OR key_use = 'seal' OR key_use = 'lookup' OR key_use = 'sign'),
    wrapped    BLOB    NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
INSERT INTO keyring_again SELECT kid, key_use, wrapped, created_at FROM keyring;
DROP TABLE keyring;
ALTER TABLE keyring_again RENAME TO keyring;
