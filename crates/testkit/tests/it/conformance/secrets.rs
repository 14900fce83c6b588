//! Secrets at rest: nothing in the database can be signed in with.

use store::StoreError;
use testkit::{AUTH_TOKEN, on_both};

use super::one;

#[tokio::test]
async fn no_token_and_no_key_stands_in_the_database() {
    on_both(async |house| {
        let key = house.post("/tertulia/v1/Keys", "FriendlyName=bot").await;
        assert_eq!(key.code(), "201", "{}", key.text());
        let secret = key.field("secret");
        let stored = |tx: &mut store::Tx<'_>| {
            let mut all = tx.rows("SELECT auth_token FROM accounts", &[], one::<Vec<u8>>)?;
            all.append(&mut tx.rows("SELECT secret FROM api_keys", &[], one::<Vec<u8>>)?);
            Ok::<_, StoreError>(all)
        };
        let stored = house.app.store().read(stored).await.expect("the store reads");
        assert_eq!(stored.len(), 2);
        for bytes in stored {
            for secret in [AUTH_TOKEN, &secret] {
                assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()));
            }
        }
    })
    .await;
}
