//! What a channel has said of a message besides its text. No channel of ours says anything.

use super::{Shown, of_path};
use crate::prelude::*;
use crate::{heads, permissions, services};

/// Twilio: clients take this refusal for "there is none" (the client SDK's source).
fn fetch(tx: &mut Tx<'_>, call: &Call, path: &Path) -> Result<Shown, Failure> {
    services::require(tx, call)?;
    let head = heads::fetch(tx, call, path)?;
    permissions::of_member(tx, call, head.sid)?;
    of_path(tx, call, path, &head)?;
    Err(Problem::CHANNEL_METADATA_NOT_FOUND.into())
}

/// Where the operation stands, for clients alone.
pub fn operations() -> Vec<Operation> {
    const ONE: &str = "/Conversations/{ConversationSid}/Messages/{MessageSid}/ChannelMetadata";
    vec![Operation::fetch(ONE, fetch).for_clients()]
}
