//! Who may read a file, of those who are not the account itself.

use wire::Key;

use crate::media::Media;
use crate::prelude::*;
use crate::{heads, participants};

/// Whether the user of this identity may: one that a message carries is read by who takes part in the
/// conversation, any other by who uploaded it.
pub fn admit(tx: &mut Tx<'_>, media: &Media, identity: &str) -> Result<bool, StoreError> {
    let Some(conversation) = media.conversation_sid else { return Ok(media.author == identity) };
    // One that was deleted may still have its rows.
    if heads::find(tx, media.chat_service_sid, &Key::Sid(conversation))?.is_none() {
        return Ok(false);
    }
    let participant = participants::find(tx, conversation, &Key::Name(identity.to_owned()))?;
    Ok(participant.is_some())
}
