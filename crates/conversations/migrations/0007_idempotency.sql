-- What was answered to a create that carries an Idempotency-Key; without a status, one that is being run.
CREATE TABLE idempotency_keys (
    account_sid {BYTES} NOT NULL,
    key {TEXT} NOT NULL,
    fingerprint {BYTES} NOT NULL,
    run {BYTES} NOT NULL,
    status {BIGINT},
    body {TEXT},
    date_claimed {BIGINT} NOT NULL,
    PRIMARY KEY (account_sid, key)
) {STRICT};
CREATE INDEX idempotency_keys_by_date ON idempotency_keys (date_claimed);
