//! What no commit of this server has told: another node's changes, who types there, and a touch that was lost.

use std::collections::HashMap;
use std::sync::Arc;

use conversations::sync::{self, Positions};
use conversations::{Conversation, User};
use store::Root;

use super::super::typing::elsewhere::Heard;
use super::{Of, Shard};
use crate::app::App;
use crate::listen::Stops;

/// Roots whose positions are read at a time.
const AT_ONCE: usize = 500;

/// Looks at the positions of all that is listened to, again and again, until the server stops.
pub async fn heal(app: Arc<App>, stops: Stops) {
    let looking = async {
        let mut typing = Heard::default();
        loop {
            tokio::time::sleep(app.settings.realtime.heal_every).await;
            // Before what was written then is looked for: who has sent a message types no longer.
            typing.listen(&app).await;
            for shard in app.hub.shards() {
                look(&app, shard).await;
            }
        }
    };
    stops.soft.run_until_cancelled(looking).await;
}

/// Touches the roots that are elsewhere than they were told to be, or nowhere. What is being told at this moment may
/// be touched once too often, which costs a reading and tells nobody anything twice.
async fn look(app: &App, shard: &Shard) {
    let told = shard.all_told();
    for some in told.chunks(AT_ONCE) {
        let (mut conversations, mut users) = (Vec::new(), Vec::new());
        for (of, _) in some {
            match of {
                Of::Conversation(_, sid) => conversations.push(*sid),
                Of::User(_, sid) => users.push(*sid),
            }
        }
        let found = app.store.read(move |tx| sync::positions(tx, &conversations, &users)).await;
        match found {
            Ok(Positions { conversations, users }) => {
                let conversations = conversations.into_iter().map(|(sid, at)| (Conversation::root(sid), at));
                let users = users.into_iter().map(|(sid, at)| (User::root(sid), at));
                let present: HashMap<Root, i64> = conversations.chain(users).collect();
                for (of, position) in some {
                    if present.get(&of.root()) != Some(position) {
                        shard.touch(of.root());
                    }
                }
            }
            Err(error) if error.is_busy() => {}
            Err(error) => tracing::error!("failed to look for what has changed: {error:?}"),
        }
    }
}
