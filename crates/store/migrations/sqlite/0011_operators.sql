-- Who runs the installation, and emergency access. Documents in which nothing opens without the keyring. The key that was last used
-- is named in `meta`.

CREATE TABLE operators (
    id   TEXT NOT NULL PRIMARY KEY,
    body TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE operator_invitations (
    hash       BLOB    NOT NULL PRIMARY KEY,
    role       TEXT    NOT NULL CHECK (role IN ('owner', 'operator')),
    is_first   INTEGER NOT NULL CHECK (is_first IN (0, 1)),
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE emergency_requests (
    id   TEXT NOT NULL PRIMARY KEY,
    body TEXT NOT NULL
) STRICT, WITHOUT ROWID;
