//! Many timers at once: they fire within seconds, and nobody else is kept from writing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use store::{Roots, StoreError, Tx};
use testkit::{House, on_both};

use super::one;
use crate::rest::conversation;

/// All of them in the soak, a part of them for every change.
fn many() -> u32 {
    if std::env::var_os("TERTULIA_TEST_SOAK").is_some() { 10_000 } else { 2_000 }
}

/// For machines that do something else as well.
const SECONDS: Duration = Duration::from_secs(20);

const WIDE: &str = "INSERT INTO conversations (sid, account_sid, chat_service_sid, messaging_service_sid, \
     friendly_name, unique_name, attributes, bindings, created_by, date_created, date_updated) \
     SELECT $1, account_sid, chat_service_sid, messaging_service_sid, friendly_name, NULL, attributes, \
     bindings, created_by, date_created, date_updated FROM conversations WHERE sid = $2";
const NARROW: &str = "INSERT INTO conversation_heads (chat_service_sid, sid, state, position, \
     document_position, next_index, last_activity, active_second, messages, participants, \
     non_chat_participants, bound_participants, inactive_after, closed_after, date_inactive, date_closed, due, \
     created_at) SELECT chat_service_sid, $1, state, position, document_position, next_index, last_activity, \
     active_second, messages, participants, non_chat_participants, bound_participants, inactive_after, \
     closed_after, date_inactive, date_closed, due, created_at FROM conversation_heads WHERE sid = $2";

/// Makes `count` more conversations like that one, by SQL for the sake of speed.
async fn multiply(house: &House, path: &str, count: u32) {
    let sid = path.rsplit('/').next().and_then(wire::Sid::<conversations::Conversation>::parse);
    let sid = sid.expect("a sid");
    for first in (0..count).step_by(500) {
        let insert = move |tx: &mut Tx<'_>| {
            for number in first..first + 500 {
                let mut new = [0xFF; 16];
                new[12..].copy_from_slice(&number.to_be_bytes());
                tx.put(WIDE, &[&new, &sid])?;
                tx.put(NARROW, &[&new, &sid])?;
            }
            Ok::<_, StoreError>(())
        };
        house.app.store().write(Roots::none(), insert).await.expect("the rows are stored");
    }
}

async fn count(house: &House, condition: &'static str) -> i64 {
    let sql = format!("SELECT COUNT(*) FROM conversation_heads WHERE {condition}");
    let read = move |tx: &mut Tx<'_>| tx.row(&sql, &[], one::<i64>);
    house.app.store().read::<_, StoreError>(read).await.expect("the store reads").expect("a count")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_at_once_fire_within_seconds_and_others_write_meanwhile() {
    on_both(async |house| {
        let form = "Timers.Inactive=PT1M&Timers.Closed=PT10M";
        let sid = house.post("/v1/Conversations", form).await.sid();
        multiply(house, &format!("/v1/Conversations/{sid}"), many()).await;
        let messages = format!("{}/Messages", conversation(house).await);
        house.clock.advance_seconds(60);
        let is_done = Arc::new(AtomicBool::new(false));
        let talking = async {
            let mut messages_said = 0;
            while !is_done.load(Ordering::SeqCst) {
                assert_eq!(house.post(&messages, "Body=x").await.code(), "201");
                messages_said += 1;
            }
            messages_said
        };
        let firing = async {
            let fired = tokio::time::timeout(SECONDS, house.fire_timers()).await;
            is_done.store(true, Ordering::SeqCst);
            fired
        };
        let (messages_said, fired) = tokio::join!(talking, firing);
        assert!(fired.is_ok(), "they take longer than {SECONDS:?} on {:?}", house.engine);
        // Each look fires a hundred at most, and messages come through between any two.
        assert!(
            messages_said > many() / 200,
            "only {messages_said} messages came through on {:?}",
            house.engine
        );
        for state in ["state = 1", "position = 2"] {
            assert_eq!(count(house, state).await, i64::from(many()) + 1, "{state} on {:?}", house.engine);
        }
    })
    .await;
}
