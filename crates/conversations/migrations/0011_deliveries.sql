-- What has happened, as it was committed, and on its way to whoever listens. An event is written where
-- somebody listens, once; its payload is a form, urlencoded.
CREATE TABLE events (
    sid {BYTES} NOT NULL PRIMARY KEY,
    account_sid {BYTES} NOT NULL,
    chat_service_sid {BYTES} NOT NULL,
    conversation_sid {BYTES},
    event_type {TEXT} NOT NULL,
    payload {TEXT} NOT NULL,
    date_created {BIGINT} NOT NULL
) {NARROW};

-- `number` is the order within a lane. `status`: 0 waits, 1 arrived, 2 given up. `log`: the tries so far,
-- JSON text of an array.
CREATE TABLE deliveries (
    number {NUMBER},
    account_sid {BYTES} NOT NULL,
    event_sid {BYTES} NOT NULL,
    lane {BYTES} NOT NULL,
    url {TEXT},
    method {TEXT} NOT NULL,
    status {BIGINT} NOT NULL,
    tries {BIGINT} NOT NULL,
    due {BIGINT} NOT NULL,
    log {TEXT},
    date_created {BIGINT} NOT NULL
) {STRICT};
CREATE INDEX deliveries_waiting ON deliveries (lane, number) WHERE status = 0;
CREATE INDEX deliveries_of_account ON deliveries (account_sid, number);

-- A lane has a row while something waits in it. What is in one lane goes out one after the other.
CREATE TABLE lanes (
    key {BYTES} NOT NULL PRIMARY KEY,
    account_sid {BYTES} NOT NULL,
    origin {TEXT} NOT NULL,
    due {BIGINT} NOT NULL,
    leased_until {BIGINT} NOT NULL
) {NARROW};
CREATE INDEX lanes_by_due ON lanes (due, key);
