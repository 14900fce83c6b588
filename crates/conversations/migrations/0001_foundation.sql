-- Times are microseconds since 1970, booleans 0 or 1, sids the 16 bytes behind their two letters,
-- attributes the JSON text as it was given.

CREATE TABLE accounts (
    sid {BYTES} NOT NULL PRIMARY KEY,
    friendly_name {TEXT} NOT NULL,
    status {TEXT} NOT NULL,
    auth_token {BYTES} NOT NULL,
    secondary_auth_token {BYTES},
    default_chat_service_sid {BYTES} NOT NULL,
    default_messaging_service_sid {BYTES},
    default_inactive_timer {TEXT},
    default_closed_timer {TEXT},
    version {BIGINT} NOT NULL,
    date_created {BIGINT} NOT NULL,
    date_updated {BIGINT} NOT NULL
) {STRICT};

CREATE TABLE api_keys (
    sid {BYTES} NOT NULL PRIMARY KEY,
    account_sid {BYTES} NOT NULL,
    friendly_name {TEXT} NOT NULL,
    secret {BYTES} NOT NULL,
    date_created {BIGINT} NOT NULL,
    date_updated {BIGINT} NOT NULL
) {STRICT};
CREATE INDEX api_keys_of_account ON api_keys (account_sid, date_created, sid);

CREATE TABLE services (
    sid {BYTES} NOT NULL PRIMARY KEY,
    account_sid {BYTES} NOT NULL,
    friendly_name {TEXT} NOT NULL,
    default_conversation_creator_role_sid {BYTES} NOT NULL,
    default_conversation_role_sid {BYTES} NOT NULL,
    default_chat_service_role_sid {BYTES} NOT NULL,
    reachability_enabled {BIGINT} NOT NULL,
    date_created {BIGINT} NOT NULL,
    date_updated {BIGINT} NOT NULL
) {STRICT};
CREATE INDEX services_of_account ON services (account_sid, date_created, sid);

CREATE TABLE roles (
    sid {BYTES} NOT NULL PRIMARY KEY,
    account_sid {BYTES} NOT NULL,
    chat_service_sid {BYTES} NOT NULL,
    friendly_name {TEXT} NOT NULL,
    type {TEXT} NOT NULL,
    permissions {TEXT} NOT NULL,
    date_created {BIGINT} NOT NULL,
    date_updated {BIGINT} NOT NULL
) {STRICT};
CREATE INDEX roles_of_service ON roles (chat_service_sid, date_created, sid);

-- Uniqueness beyond one root: (tenant, kind, key) belongs to `owner`.
CREATE TABLE claims (
    tenant {BYTES} NOT NULL,
    kind {BIGINT} NOT NULL,
    key {TEXT} NOT NULL,
    owner {BYTES} NOT NULL,
    PRIMARY KEY (tenant, kind, key)
) {NARROW};

CREATE TABLE users (
    sid {BYTES} NOT NULL PRIMARY KEY,
    account_sid {BYTES} NOT NULL,
    chat_service_sid {BYTES} NOT NULL,
    role_sid {BYTES} NOT NULL,
    identity {TEXT} NOT NULL,
    friendly_name {TEXT},
    attributes {TEXT} NOT NULL,
    is_online {BIGINT},
    is_notifiable {BIGINT},
    date_created {BIGINT} NOT NULL,
    date_updated {BIGINT} NOT NULL
) {STRICT};
CREATE INDEX users_of_service ON users (chat_service_sid, date_created, sid);
CREATE INDEX users_of_role ON users (role_sid);

-- The root of a user: what is locked, and the counters of what hangs on it.
CREATE TABLE user_heads (
    sid {BYTES} NOT NULL PRIMARY KEY,
    chat_service_sid {BYTES} NOT NULL,
    position {BIGINT} NOT NULL,
    profile_position {BIGINT} NOT NULL,
    memberships {BIGINT} NOT NULL
) {COUNTERS};

CREATE TABLE conversations (
    sid {BYTES} NOT NULL PRIMARY KEY,
    account_sid {BYTES} NOT NULL,
    chat_service_sid {BYTES} NOT NULL,
    messaging_service_sid {BYTES},
    friendly_name {TEXT},
    unique_name {TEXT},
    attributes {TEXT} NOT NULL,
    bindings {TEXT} NOT NULL,
    created_by {TEXT} NOT NULL,
    date_created {BIGINT} NOT NULL,
    date_updated {BIGINT} NOT NULL
) {STRICT};
CREATE INDEX conversations_by_date ON conversations (chat_service_sid, date_created, sid);

-- The root of a conversation: what is locked, all that decides, and the counters of what hangs on it.
CREATE TABLE conversation_heads (
    number {NUMBER},
    chat_service_sid {BYTES} NOT NULL,
    sid {BYTES} NOT NULL,
    state {BIGINT} NOT NULL,
    position {BIGINT} NOT NULL,
    document_position {BIGINT} NOT NULL,
    next_index {BIGINT} NOT NULL,
    last_message_index {BIGINT},
    last_message_at {BIGINT},
    last_activity {BIGINT} NOT NULL,
    messages {BIGINT} NOT NULL,
    participants {BIGINT} NOT NULL,
    non_chat_participants {BIGINT} NOT NULL,
    bound_participants {BIGINT} NOT NULL,
    inactive_after {BIGINT},
    closed_after {BIGINT},
    date_inactive {BIGINT},
    date_closed {BIGINT}
) {COUNTERS};
CREATE UNIQUE INDEX conversation_heads_by_sid ON conversation_heads (sid);
CREATE INDEX conversation_heads_by_activity ON conversation_heads (chat_service_sid, state, last_activity, sid);

CREATE TABLE participants (
    sid {BYTES} NOT NULL,
    account_sid {BYTES} NOT NULL,
    chat_service_sid {BYTES} NOT NULL,
    conversation_sid {BYTES} NOT NULL,
    identity {TEXT},
    user_sid {BYTES},
    attributes {TEXT} NOT NULL,
    binding_type {TEXT},
    address {TEXT},
    proxy_address {TEXT},
    projected_address {TEXT},
    role_sid {BYTES},
    last_read_message_index {BIGINT},
    last_read_timestamp {BIGINT},
    date_created {BIGINT} NOT NULL,
    date_updated {BIGINT} NOT NULL,
    position_added {BIGINT} NOT NULL,
    position_changed {BIGINT} NOT NULL,
    PRIMARY KEY (conversation_sid, sid)
) {STRICT};
CREATE UNIQUE INDEX participants_by_identity ON participants (conversation_sid, identity);
CREATE INDEX participants_by_position ON participants (conversation_sid, position_added);
CREATE INDEX participants_bound ON participants (conversation_sid) WHERE binding_type IS NOT NULL;
CREATE INDEX participants_of_role ON participants (role_sid);

-- The user-rooted copy of what concerns one user in one conversation.
CREATE TABLE memberships (
    user_sid {BYTES} NOT NULL,
    conversation_sid {BYTES} NOT NULL,
    participant_sid {BYTES} NOT NULL,
    last_read_message_index {BIGINT},
    notification_level {TEXT} NOT NULL,
    position_added {BIGINT} NOT NULL,
    position_changed {BIGINT} NOT NULL,
    PRIMARY KEY (user_sid, conversation_sid)
) {NARROW};

-- `key` is the conversation's number << 32 | the message's index.
CREATE TABLE messages (
    key {BIGINT} NOT NULL PRIMARY KEY,
    sid {BYTES} NOT NULL,
    conversation_sid {BYTES} NOT NULL,
    author {TEXT} NOT NULL,
    participant_sid {BYTES},
    body {TEXT},
    subject {TEXT},
    attributes {TEXT} NOT NULL,
    media {TEXT},
    content_sid {BYTES},
    delivery {TEXT},
    date_created {BIGINT} NOT NULL,
    date_updated {BIGINT} NOT NULL,
    position_added {BIGINT} NOT NULL,
    position_changed {BIGINT}
) {STRICT};
CREATE INDEX messages_by_sid ON messages (sid);
CREATE INDEX messages_changed ON messages (conversation_sid, position_changed) WHERE position_changed IS NOT NULL;

CREATE TABLE receipts (
    message_key {BIGINT} NOT NULL,
    participant_sid {BYTES} NOT NULL,
    sid {BYTES} NOT NULL,
    conversation_sid {BYTES} NOT NULL,
    message_sid {BYTES} NOT NULL,
    channel_message_sid {TEXT},
    status {TEXT},
    error_code {BIGINT},
    date_created {BIGINT} NOT NULL,
    date_updated {BIGINT} NOT NULL,
    PRIMARY KEY (message_key, participant_sid)
) {STRICT};
CREATE INDEX receipts_by_sid ON receipts (sid);

-- What was removed, so that a client that was away can be told.
CREATE TABLE tombstones (
    root {BYTES} NOT NULL,
    kind {BIGINT} NOT NULL,
    position {BIGINT} NOT NULL,
    item_sid {BYTES} NOT NULL,
    item_index {BIGINT},
    date_removed {BIGINT} NOT NULL,
    PRIMARY KEY (root, kind, position)
) {NARROW};

CREATE INDEX tombstones_by_date ON tombstones (date_removed) WHERE kind > 1;

-- What is out of sight and still has rows to remove.
CREATE TABLE purges (
    number {NUMBER},
    kind {TEXT} NOT NULL,
    account_sid {BYTES} NOT NULL,
    chat_service_sid {BYTES} NOT NULL,
    root {BYTES} NOT NULL,
    conversation_number {BIGINT},
    date_created {BIGINT} NOT NULL
) {STRICT};

-- One row, written to see whether the store takes writes.
CREATE TABLE probes (
    number {BIGINT} NOT NULL PRIMARY KEY,
    date_updated {BIGINT} NOT NULL
) {STRICT};
