-- Codes that a vendor makes and checks: the provider that does, and the check that it is being asked about, while it is:
-- two moments, then the keyed hashes of the caller's Idempotency-Key and body, if it sent one.

ALTER TABLE verifications ADD COLUMN vendor_check TEXT;
ALTER TABLE verifications ADD COLUMN checking BYTEA;
