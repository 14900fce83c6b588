-- What messages may be rendered from. `variables` and `types` are JSON texts as they were given. A sid may come from
-- elsewhere, so two accounts may have a template of the same one.
CREATE TABLE content_templates (
    sid {BYTES} NOT NULL,
    account_sid {BYTES} NOT NULL,
    friendly_name {TEXT},
    language {TEXT} NOT NULL,
    variables {TEXT} NOT NULL,
    types {TEXT} NOT NULL,
    date_created {BIGINT} NOT NULL,
    date_updated {BIGINT} NOT NULL,
    PRIMARY KEY (account_sid, sid)
) {STRICT};
CREATE INDEX content_templates_of_account ON content_templates (account_sid, date_created, sid);

-- The addresses and the messaging services that are an account's own, each a JSON list; every one where there is none.
ALTER TABLE accounts ADD COLUMN senders {TEXT};
ALTER TABLE accounts ADD COLUMN messaging_service_sids {TEXT};
