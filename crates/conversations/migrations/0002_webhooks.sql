-- Where an account wants to be told of what happens. Lists are the JSON text of an array.
CREATE TABLE account_webhooks (
    account_sid {BYTES} NOT NULL PRIMARY KEY,
    method {TEXT},
    filters {TEXT},
    pre_webhook_url {TEXT},
    post_webhook_url {TEXT},
    target {TEXT} NOT NULL
) {STRICT};

CREATE TABLE service_webhooks (
    chat_service_sid {BYTES} NOT NULL PRIMARY KEY,
    account_sid {BYTES} NOT NULL,
    method {TEXT},
    filters {TEXT},
    pre_webhook_url {TEXT},
    post_webhook_url {TEXT}
) {STRICT};

-- Those of one conversation. What the target does not need is null.
CREATE TABLE conversation_webhooks (
    sid {BYTES} NOT NULL,
    account_sid {BYTES} NOT NULL,
    conversation_sid {BYTES} NOT NULL,
    target {TEXT} NOT NULL,
    url {TEXT},
    method {TEXT},
    filters {TEXT},
    triggers {TEXT},
    flow_sid {BYTES},
    replay_after {BIGINT},
    date_created {BIGINT} NOT NULL,
    date_updated {BIGINT} NOT NULL,
    position_added {BIGINT} NOT NULL,
    position_changed {BIGINT} NOT NULL,
    PRIMARY KEY (conversation_sid, sid)
) {STRICT};
CREATE UNIQUE INDEX conversation_webhooks_by_position ON conversation_webhooks (conversation_sid, position_added);

-- What the users of a service are notified of, and in which words.
CREATE TABLE service_notifications (
    chat_service_sid {BYTES} NOT NULL PRIMARY KEY,
    account_sid {BYTES} NOT NULL,
    new_message_enabled {BIGINT} NOT NULL,
    new_message_template {TEXT},
    new_message_sound {TEXT},
    new_message_badge_count_enabled {BIGINT} NOT NULL,
    with_media_enabled {BIGINT} NOT NULL,
    with_media_template {TEXT},
    added_to_conversation_enabled {BIGINT} NOT NULL,
    added_to_conversation_template {TEXT},
    added_to_conversation_sound {TEXT},
    removed_from_conversation_enabled {BIGINT} NOT NULL,
    removed_from_conversation_template {TEXT},
    removed_from_conversation_sound {TEXT},
    log_enabled {BIGINT} NOT NULL
) {STRICT};
