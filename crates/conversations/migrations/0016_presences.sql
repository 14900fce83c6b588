-- Which users are connected to which node. A node that does not renew its lease is gone, and whoever was there with it.
CREATE TABLE nodes (
    key {BYTES} NOT NULL PRIMARY KEY,
    leased_until {BIGINT} NOT NULL
) {NARROW};

CREATE TABLE presences (
    user_sid {BYTES} NOT NULL,
    node {BYTES} NOT NULL,
    account_sid {BYTES} NOT NULL,
    chat_service_sid {BYTES} NOT NULL,
    PRIMARY KEY (user_sid, node)
) {NARROW};
CREATE INDEX presences_of_node ON presences (node, user_sid);
