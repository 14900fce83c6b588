-- Who types where, for the clients of other nodes. A row means nothing seconds after it was said, and is removed later.
-- No index on the time: rows are few, and a change of what no index holds leaves nothing behind that grows.
CREATE TABLE typings (
    conversation_sid {BYTES} NOT NULL,
    participant_sid {BYTES} NOT NULL,
    chat_service_sid {BYTES} NOT NULL,
    identity {TEXT} NOT NULL,
    node {BYTES} NOT NULL,
    said_at {BIGINT} NOT NULL,
    PRIMARY KEY (conversation_sid, participant_sid)
) {NARROW};
