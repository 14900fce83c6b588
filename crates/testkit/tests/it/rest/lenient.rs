//! Lenient mode: no limits of Twilio's, but those that protect the server.

use conversations::Limits;
use server::Settings;
use testkit::on_both_with;

use super::conversation;

fn lenient() -> Settings {
    Settings { limits: Limits::Lenient, ..Settings::default() }
}

/// Letters that nothing compresses away.
fn noise(length: usize) -> String {
    let mut state = 1_u32;
    let mut next = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        char::from(b'a' + u8::try_from(state >> 24).unwrap_or(0) % 26)
    };
    (0..length).map(|_| next()).collect()
}

#[tokio::test]
async fn a_name_is_as_long_as_an_index_can_hold() {
    on_both_with(lenient(), async |house| {
        for (length, code) in [(512, "201"), (513, "400 50004"), (20_000, "400 50004")] {
            let form = format!("UniqueName={}", noise(length));
            assert_eq!(house.post("/v1/Conversations", &form).await.code(), code, "{length}");
        }
        for (length, code) in [(512, "201"), (3000, "400 50207")] {
            let form = format!("Identity={}", noise(length));
            assert_eq!(house.post("/v1/Users", &form).await.code(), code, "{length}");
        }
        let widest = "\u{1F600}".repeat(512);
        let form = format!("Identity={widest}");
        let path = format!("{}/Participants", conversation(house).await);
        assert_eq!(house.post(&path, &form).await.code(), "201");
    })
    .await;
}

#[tokio::test]
async fn a_group_may_be_larger_than_any_key() {
    on_both_with(lenient(), async |house| {
        let path = format!("{}/Participants", conversation(house).await);
        for number in 0..180 {
            let form = format!("MessagingBinding.Address=%2B{}", 15_551_234_000_000_i64 + number * 7_919);
            assert_eq!(house.post(&path, &form).await.code(), "201", "{number}");
        }
    })
    .await;
}
