-- Records that are looked up by what they tell of, by age: failed tries to sign in, to see whether they rise, and uses of
-- emergency access, to see what waits for a review. A body is canonical JSON, so a quotation mark inside of a value is escaped, and these
-- words stand nowhere else.

CREATE INDEX audit_failures ON audit (at) WHERE instr(body, '"kind":"sign_in.failed"') > 0;
CREATE INDEX audit_emergency ON audit (at)
    WHERE instr(body, '"kind":"emergency.used"') > 0 OR instr(body, '"kind":"emergency.reviewed"') > 0;
