-- The whole second of `last_activity`. A message changes the time and seldom the second, so that it seldom costs an
-- entry of the index. No index has the time itself.
ALTER TABLE conversation_heads ADD COLUMN active_second {BIGINT} NOT NULL DEFAULT 0;
UPDATE conversation_heads SET active_second = last_activity / 1000000;
DROP INDEX conversation_heads_by_activity;
CREATE INDEX conversation_heads_by_activity ON conversation_heads (chat_service_sid, state, active_second);
