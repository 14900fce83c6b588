-- Who edited a message last. Empty until somebody has.
ALTER TABLE messages ADD COLUMN last_updated_by {TEXT};

-- When a conversation came to the state that it has. Empty where it was made with it.
ALTER TABLE conversations ADD COLUMN state_updated {BIGINT};
