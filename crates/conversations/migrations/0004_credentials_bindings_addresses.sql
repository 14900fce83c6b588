-- What push notifications are sent with. `certificate`, `private_key`, `api_key` and `secret` are sealed.
CREATE TABLE push_credentials (
    sid {BYTES} NOT NULL PRIMARY KEY,
    account_sid {BYTES} NOT NULL,
    friendly_name {TEXT},
    push_type {TEXT} NOT NULL,
    sandbox {BIGINT} NOT NULL,
    certificate {BYTES},
    private_key {BYTES},
    api_key {BYTES},
    secret {BYTES},
    date_created {BIGINT} NOT NULL,
    date_updated {BIGINT} NOT NULL
) {STRICT};
CREATE INDEX push_credentials_of_account ON push_credentials (account_sid, date_created, sid);

-- The devices that users want to be notified on. `message_types` has a line for each.
CREATE TABLE bindings (
    sid {BYTES} NOT NULL PRIMARY KEY,
    account_sid {BYTES} NOT NULL,
    chat_service_sid {BYTES} NOT NULL,
    user_sid {BYTES} NOT NULL,
    credential_sid {BYTES},
    identity {TEXT} NOT NULL,
    endpoint {TEXT} NOT NULL,
    binding_type {TEXT} NOT NULL,
    message_types {TEXT} NOT NULL,
    date_created {BIGINT} NOT NULL,
    date_updated {BIGINT} NOT NULL
) {STRICT};
CREATE INDEX bindings_of_service ON bindings (chat_service_sid, date_created, sid);
CREATE INDEX bindings_of_type ON bindings (chat_service_sid, binding_type, date_created, sid);
CREATE INDEX bindings_of_identity ON bindings (chat_service_sid, identity);
CREATE INDEX bindings_of_user ON bindings (user_sid);

-- What a message from nobody known does at one of our addresses. `webhook_filters` is a JSON list.
CREATE TABLE address_configurations (
    sid {BYTES} NOT NULL PRIMARY KEY,
    account_sid {BYTES} NOT NULL,
    address_type {TEXT} NOT NULL,
    address {TEXT} NOT NULL,
    friendly_name {TEXT},
    address_country {TEXT},
    auto_creation_enabled {BIGINT} NOT NULL,
    auto_creation_type {TEXT} NOT NULL,
    conversation_service_sid {BYTES},
    webhook_url {TEXT},
    webhook_method {TEXT},
    webhook_filters {TEXT},
    studio_flow_sid {BYTES},
    studio_retry_count {BIGINT},
    date_created {BIGINT} NOT NULL,
    date_updated {BIGINT} NOT NULL
) {STRICT};
CREATE INDEX address_configurations_of_account ON address_configurations (account_sid, date_created, sid);
