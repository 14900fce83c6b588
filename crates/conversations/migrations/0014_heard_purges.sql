-- By whose doing a user was deleted, and whether anybody may hear of it: what is left of its memberships is told as
-- what was removed at once. Empty for what is not told.
ALTER TABLE purges ADD COLUMN source {TEXT};
ALTER TABLE purges ADD COLUMN client_identity {TEXT};
ALTER TABLE purges ADD COLUMN is_heard {BIGINT} NOT NULL DEFAULT 0;
ALTER TABLE purges ADD COLUMN is_streamed {BIGINT} NOT NULL DEFAULT 0;
