-- Where events are streamed to. `leased_until` (real time) says that somebody sends what waits there, `due` and
-- `failures` let a sink that fails rest. A removed one stays until what waits for it is gone.
CREATE TABLE sinks (
    sid {BYTES} NOT NULL PRIMARY KEY,
    account_sid {BYTES} NOT NULL,
    description {TEXT} NOT NULL,
    destination {TEXT} NOT NULL,
    batch_events {BIGINT} NOT NULL,
    date_created {BIGINT} NOT NULL,
    date_updated {BIGINT} NOT NULL,
    is_removed {BIGINT} NOT NULL DEFAULT 0,
    due {BIGINT} NOT NULL DEFAULT 0,
    failures {BIGINT} NOT NULL DEFAULT 0,
    leased_until {BIGINT} NOT NULL DEFAULT 0
) {NARROW};
CREATE INDEX sinks_of_account ON sinks (account_sid, date_created, sid);

CREATE TABLE subscriptions (
    sid {BYTES} NOT NULL PRIMARY KEY,
    account_sid {BYTES} NOT NULL,
    description {TEXT} NOT NULL,
    sink_sid {BYTES} NOT NULL,
    date_created {BIGINT} NOT NULL,
    date_updated {BIGINT} NOT NULL
) {NARROW};
CREATE INDEX subscriptions_of_account ON subscriptions (account_sid, date_created, sid);

CREATE TABLE subscribed_events (
    subscription_sid {BYTES} NOT NULL,
    account_sid {BYTES} NOT NULL,
    event_type {TEXT} NOT NULL,
    schema_version {BIGINT} NOT NULL,
    date_created {BIGINT} NOT NULL,
    PRIMARY KEY (account_sid, event_type, subscription_sid)
) {NARROW};

-- Events on their way to a sink, each as the JSON text that is sent. `status`: 0 waits, 2 given up; what has
-- arrived is gone.
CREATE TABLE stream_deliveries (
    number {NUMBER},
    account_sid {BYTES} NOT NULL,
    sink_sid {BYTES} NOT NULL,
    event {TEXT} NOT NULL,
    status {BIGINT} NOT NULL,
    tries {BIGINT} NOT NULL,
    due {BIGINT} NOT NULL,
    log {TEXT},
    date_created {BIGINT} NOT NULL
) {STRICT};
CREATE INDEX stream_deliveries_due ON stream_deliveries (account_sid, sink_sid, due, number) WHERE status = 0;
CREATE INDEX stream_deliveries_waiting ON stream_deliveries (account_sid, sink_sid, number) WHERE status = 0;
CREATE INDEX stream_deliveries_dead ON stream_deliveries (date_created) WHERE status = 2;
