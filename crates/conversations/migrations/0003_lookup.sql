-- Whose conversations an address is in, in the order that they are listed in.
CREATE INDEX participants_by_address ON participants
    (chat_service_sid, address, conversation_sid, position_added) WHERE address IS NOT NULL;
