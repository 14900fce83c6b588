-- By whose doing a user was deleted, and whether anybody may hear of it: what is left of its memberships is told as
-- what was removed at once. Empty for what is not told.
ALTER TABLE purges ADD COLUMN source {TEXT};
ALTER TABLE purges ADD COLUMN client_identity {TEXT};
ALTER TABLE purges ADD COLUMN is_heard {BIGINT} NOT NULL DEFAULT 0;
ALTER TABLE purges ADD COLUMN is_streamed {BIGINT} NOT NULL DEFAULT 0;

-- Pre-action webhooks that were asked, for people to see. `target` is a letter and 16 bytes, as a lane begins;
-- `log` is JSON text of an object.
CREATE TABLE pre_actions (
    number {NUMBER},
    account_sid {BYTES} NOT NULL,
    target {BYTES} NOT NULL,
    event_type {TEXT} NOT NULL,
    conversation_sid {BYTES},
    payload {TEXT} NOT NULL,
    decision {TEXT} NOT NULL,
    log {TEXT} NOT NULL,
    date_created {BIGINT} NOT NULL
) {STRICT};
CREATE INDEX pre_actions_of_account ON pre_actions (account_sid, number);

-- For who looks at what a sink did not take.
CREATE INDEX stream_deliveries_dead_of_sink ON stream_deliveries (account_sid, sink_sid, number) WHERE status = 2;
