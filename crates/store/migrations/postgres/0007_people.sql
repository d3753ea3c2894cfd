-- People: who they are and how they get in. A user is read and written whole: `profile` holds addresses and factors as one
-- document, in which nothing opens without the keyring. What leads to one user alone has a row in `user_lookups`.

CREATE TABLE users (
    application_id BIGINT NOT NULL,
    id             TEXT COLLATE "C" NOT NULL,
    created_at     BIGINT NOT NULL,
    updated_at     BIGINT NOT NULL,
    status         TEXT    NOT NULL CHECK (status IN ('active', 'suspended')),
    role           TEXT    NOT NULL,
    second_factor  TEXT    NOT NULL
                   CHECK (second_factor = 'off' OR second_factor = 'optional' OR second_factor = 'required'),
    profile        TEXT    NOT NULL,
    PRIMARY KEY (application_id, id)
);

CREATE INDEX users_by_role ON users (application_id, role, id);

CREATE TABLE user_lookups (
    application_id BIGINT NOT NULL,
    kind           TEXT    NOT NULL CHECK (kind IN ('address', 'passkey')),
    hash           BYTEA  NOT NULL,
    user_id        TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (application_id, kind, hash)
);

CREATE INDEX user_lookups_of ON user_lookups (application_id, user_id);

CREATE TABLE sessions (
    application_id BIGINT NOT NULL,
    id             TEXT COLLATE "C" NOT NULL,
    user_id        TEXT COLLATE "C" NOT NULL,
    expires_at     BIGINT NOT NULL,
    body           TEXT    NOT NULL,
    PRIMARY KEY (application_id, id)
);

CREATE INDEX sessions_of ON sessions (application_id, user_id, id);
CREATE INDEX sessions_by_end ON sessions (expires_at);

-- What was tried of a factor: by whom, or for which address nobody has. The factor `network` counts wrong guesses from one.
CREATE TABLE tries (
    application_id BIGINT NOT NULL,
    factor         TEXT    NOT NULL,
    subject        TEXT COLLATE "C" NOT NULL,
    until          BIGINT NOT NULL,
    body           TEXT    NOT NULL,
    PRIMARY KEY (application_id, factor, subject)
);

CREATE INDEX tries_by_end ON tries (until);

-- What counts once: the proof of a verification, a challenge.
CREATE TABLE used_once (
    application_id BIGINT NOT NULL,
    hash           BYTEA  NOT NULL,
    until          BIGINT NOT NULL,
    PRIMARY KEY (application_id, hash)
);

CREATE INDEX used_once_by_end ON used_once (until);

-- What a call with an Idempotency-Key was answered, for a minute. No secret: tokens are made again from the session.
CREATE TABLE person_answers (
    key    BYTEA  NOT NULL PRIMARY KEY,
    body   BYTEA  NOT NULL,
    at     BIGINT NOT NULL,
    answer TEXT    NOT NULL
);

CREATE INDEX person_answers_by_time ON person_answers (at);
