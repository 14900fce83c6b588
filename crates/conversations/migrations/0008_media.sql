-- Files that messages carry. The bytes lie elsewhere, by service and sid. `expires` is when a file that no
-- message carries goes.
CREATE TABLE media (
    sid {BYTES} NOT NULL PRIMARY KEY,
    account_sid {BYTES} NOT NULL,
    chat_service_sid {BYTES} NOT NULL,
    size {BIGINT} NOT NULL,
    content_type {TEXT} NOT NULL,
    filename {TEXT},
    category {TEXT} NOT NULL,
    author {TEXT} NOT NULL,
    conversation_sid {BYTES},
    message_sid {BYTES},
    expires {BIGINT},
    date_created {BIGINT} NOT NULL,
    date_upload_updated {BIGINT} NOT NULL,
    date_updated {BIGINT} NOT NULL
) {STRICT};
CREATE INDEX media_of_message ON media (conversation_sid, message_sid) WHERE conversation_sid IS NOT NULL;
CREATE INDEX media_expiring ON media (expires) WHERE expires IS NOT NULL;
CREATE INDEX media_unattached ON media (chat_service_sid, sid) WHERE conversation_sid IS NULL;

-- Files that are to go when they are due, whose rows are gone or were never written.
CREATE TABLE media_removals (
    sid {BYTES} NOT NULL PRIMARY KEY,
    chat_service_sid {BYTES} NOT NULL,
    due {BIGINT} NOT NULL
) {STRICT};
CREATE INDEX media_removals_by_date ON media_removals (due, sid);
