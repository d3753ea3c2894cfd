-- Whose sign-in a verification belongs to: a user's id, or nobody, which is a decoy; NULL where it signs nobody in.

ALTER TABLE verifications ADD COLUMN subject TEXT;
