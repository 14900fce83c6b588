//! Groups that come to the same set of addresses because one of them shrinks.

use testkit::{House, Reply, on_both};

use super::conversation;

/// Somebody joins by the phone of this number.
async fn join(house: &House, group: &str, number: u32) -> Reply {
    let form = format!("MessagingBinding.Address=%2B1555867530{number}");
    house.post(&format!("{group}/Participants"), &form).await
}

/// A group of these phones.
async fn group_of(house: &House, numbers: &[u32]) -> (String, Vec<String>) {
    let group = conversation(house).await;
    let mut members = Vec::new();
    for number in numbers {
        members.push(format!("{group}/Participants/{}", join(house, &group, *number).await.sid()));
    }
    (group, members)
}

#[tokio::test]
async fn a_removal_is_granted_and_the_set_stays_whose_it_was() {
    on_both(async |house| {
        let (first, _) = group_of(house, &[1, 2]).await;
        let (shrinking, members) = group_of(house, &[3, 1, 2]).await;
        assert_eq!(house.delete(&members[0]).await.code(), "204");
        // Both have the phones 1 and 2 now; a third is told of the one that had them first.
        let (third, _) = group_of(house, &[1]).await;
        let refused = join(house, &third, 2).await;
        assert_eq!(refused.code(), "409 50438");
        let owner = first.rsplit('/').next().expect("a sid");
        assert!(refused.field("message").ends_with(owner), "{}", refused.text());

        // The other goes on, says something, and frees nothing that is not its own when it grows.
        let said = house.post(&format!("{shrinking}/Messages"), "Body=hi&Author=%2B15558675301").await;
        assert_eq!(said.code(), "201");
        assert_eq!(join(house, &shrinking, 4).await.code(), "201");
        assert_eq!(join(house, &third, 2).await.code(), "409 50438");

        // Nor when it goes while it has the same set.
        let members = house.get(&format!("{shrinking}/Participants")).await.get("participants");
        let last = members.as_array().and_then(|all| all.last()).expect("there are three");
        let last = format!("{shrinking}/Participants/{}", last["sid"].as_str().expect("a sid"));
        assert_eq!(house.delete(&last).await.code(), "204");
        assert_eq!(house.post(&shrinking, "State=closed").await.code(), "200");
        assert_eq!(join(house, &third, 2).await.code(), "409 50438");
        assert_eq!(house.delete(&first).await.code(), "204");
        assert_eq!(join(house, &third, 2).await.code(), "201");
    })
    .await;
}
