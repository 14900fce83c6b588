-- When it was made here, whatever date its creator gave it: no timer fires earlier than its time after that.
ALTER TABLE conversation_heads ADD COLUMN created_at {BIGINT} NOT NULL DEFAULT 0;
-- When the next timer fires. Nothing where none is armed, so that such a conversation is in no index of timers.
ALTER TABLE conversation_heads ADD COLUMN due {BIGINT};
UPDATE conversation_heads SET
    created_at = COALESCE((SELECT c.date_created FROM conversations c WHERE c.sid = conversation_heads.sid), 0),
    due = CASE
        WHEN state = 0 AND (date_inactive <= date_closed OR date_closed IS NULL) THEN date_inactive
        WHEN state < 2 THEN date_closed
    END
    WHERE date_inactive IS NOT NULL OR date_closed IS NOT NULL;
CREATE INDEX conversation_heads_due ON conversation_heads (due, sid) WHERE due IS NOT NULL;

-- The time of a manual clock, in the row with number 1.
CREATE TABLE clocks (
    number {BIGINT} NOT NULL PRIMARY KEY,
    now {BIGINT} NOT NULL
) {STRICT};

-- How many blocks of ids were taken from a seed, one by each start, in the row with number 1.
CREATE TABLE id_blocks (
    number {BIGINT} NOT NULL PRIMARY KEY,
    taken {BIGINT} NOT NULL
) {STRICT};
