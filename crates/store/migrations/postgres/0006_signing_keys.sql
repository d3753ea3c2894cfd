-- Keys that tokens are signed with join the keyring.

ALTER TABLE keyring DROP CONSTRAINT keyring_key_use_check;
ALTER TABLE keyring ADD CONSTRAINT keyring_key_use_check CHECK (key_use IN ('code', 'seal', 'lookup', 'sign'));
