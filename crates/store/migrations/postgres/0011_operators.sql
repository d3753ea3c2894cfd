-- Who runs the installation, and emergency access. Documents in which nothing opens without the keyring. The key that was last used
-- is named in `meta`.

CREATE TABLE operators (
    id   TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    body TEXT NOT NULL
);

CREATE TABLE operator_invitations (
    hash       BYTEA   NOT NULL PRIMARY KEY,
    role       TEXT    NOT NULL CHECK (role IN ('owner', 'operator')),
    is_first   BOOLEAN NOT NULL,
    expires_at BIGINT  NOT NULL
);

CREATE TABLE emergency_requests (
    id   TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    body TEXT NOT NULL
);
