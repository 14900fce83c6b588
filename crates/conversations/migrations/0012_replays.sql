-- Messages that were there before a webhook was, and that it is still to be told of before anything else:
-- those from `next_index` up to `last_index`. `number` is the delivery of the last one told.
CREATE TABLE replays (
    lane {BYTES} NOT NULL PRIMARY KEY,
    chat_service_sid {BYTES} NOT NULL,
    next_index {BIGINT} NOT NULL,
    last_index {BIGINT} NOT NULL,
    number {BIGINT}
) {NARROW};
