//! Who may see what.

use insta::assert_snapshot;
use testkit::on_both;

use super::Viewer;

#[tokio::test]
async fn each_sees_what_it_takes_part_in_and_everybody_who_people_are() {
    let told = on_both(async |house| {
        let member = Viewer::new(house, "member").await;
        let creator = Viewer::new(house, "creator").await;
        let stranger = Viewer::new(house, "stranger").await;
        let gatherer = Viewer::new(house, "gatherer").await;
        let form = "FriendlyName=gatherer&Type=service&Permission=addParticipant";
        let role = house.post("/v1/Roles", form).await.sid();
        house.post("/v1/Users/gatherer", &format!("RoleSid={role}")).await;
        let service = house.post("/v1/Services", "FriendlyName=other").await.sid();
        let elsewhere = Viewer::of(house, &format!("/v1/Services/{service}"), "member").await;
        let sid = house.post("/v1/Conversations", "").await.sid();
        house.post(&format!("/v1/Conversations/{sid}/Participants"), "Identity=member").await;
        // As a client would have made it.
        let made = |tx: &mut store::Tx<'_>| tx.put("UPDATE conversations SET created_by = 'creator'", &[]);
        house.app.store().write(store::Roots::none(), made).await.expect("it is written");
        let own = member.user();
        let people = [
            ("member", &member),
            ("creator", &creator),
            ("stranger", &stranger),
            ("gatherer", &gatherer),
            ("elsewhere", &elsewhere),
        ];
        let nowhere = format!("CH{}", "0".repeat(32));
        for (name, viewer) in people {
            let mut seen = Vec::new();
            for path in [
                format!("/v3/Documents/{sid}.channel"),
                format!("/v3/Lists/{sid}.messages"),
                format!("/v3/Lists/{sid}.messages/Items"),
                format!("/v3/Maps/{sid}.roster"),
                format!("/v3/Maps/{sid}.roster/Items"),
                format!("/v3/Maps/{own}.conversations"),
                format!("/v3/Maps/{own}.conversations/Items"),
                format!("/v3/Maps/{own}.info"),
                format!("/v3/Documents/{nowhere}.channel"),
                format!("/v3/Lists/{nowhere}.messages"),
                format!("/v3/Maps/{nowhere}.roster"),
                "/v3/Maps/junk".to_owned(),
            ] {
                seen.push(viewer.get(&path).await.code());
            }
            house.note(format!("{name}: {}", seen.join(", ")));
        }
    })
    .await;
    assert_snapshot!(told);
}

#[tokio::test]
async fn who_has_left_sees_no_more() {
    on_both(async |house| {
        let alice = Viewer::new(house, "alice").await;
        let sid = house.post("/v1/Conversations", "").await.sid();
        let path = format!("/v1/Conversations/{sid}");
        house.post(&format!("{path}/Participants"), "Identity=alice").await;
        let list = format!("/v3/Lists/{sid}.messages");
        assert_eq!(alice.get(&list).await.code(), "200");
        house.delete(&format!("{path}/Participants/alice")).await;
        assert_eq!(alice.get(&list).await.code(), "403 54007");
        house.delete(&path).await;
        assert_eq!(alice.get(&list).await.code(), "404 54150");
    })
    .await;
}
