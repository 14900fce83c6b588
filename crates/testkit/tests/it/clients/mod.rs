//! What users of the client SDK may do, through the operations that they share with REST.

mod devices;
mod rights;
mod rules;
mod told;

use testkit::House;

/// A role of these permissions; its sid.
pub async fn role(house: &House, kind: &str, permissions: &[&str]) -> String {
    let list = permissions.join("&Permission=");
    house.post("/v1/Roles", &format!("FriendlyName=some&Type={kind}&Permission={list}")).await.sid()
}

/// Adds chat participants to a conversation of REST's.
pub async fn join(house: &House, conversation: &str, identities: &[&str]) {
    for identity in identities {
        let form = format!("Identity={identity}");
        assert_eq!(house.post(&format!("/v1{conversation}/Participants"), &form).await.code(), "201");
    }
}

/// A conversation that REST has made, with these chat participants: its path for clients.
pub async fn conversation(house: &House, identities: &[&str]) -> String {
    let path = format!("/Conversations/{}", house.post("/v1/Conversations", "").await.sid());
    join(house, &path, identities).await;
    path
}
