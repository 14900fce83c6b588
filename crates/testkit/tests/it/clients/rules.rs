//! Where the same operation means something else to a client than to REST.

use http::Request;
use insta::assert_snapshot;
use serde_json::{Value, json};
use testkit::{House, on_both};

use super::{conversation, role};

/// Everybody here may do everything.
async fn conversation_of_alice(house: &House) -> (testkit::SdkUser, String) {
    let path = conversation(house, &["alice", "bob"]).await;
    let of_all: Vec<&str> =
        conversations::roles::OF_BOTH.iter().chain(conversations::roles::OF_CONVERSATION).copied().collect();
    let all = role(house, "conversation", &of_all).await;
    for identity in ["alice", "bob"] {
        house.post(&format!("/v1{path}/Participants/{identity}"), &format!("RoleSid={all}")).await;
    }
    (house.sdk_user("alice").await, path)
}

#[tokio::test]
async fn what_is_no_clients_to_say_is_refused() {
    on_both(async |house| {
        let (alice, path) = conversation_of_alice(house).await;
        let message = alice.create(&format!("{path}/Messages"), "Body=Hello").await.sid();
        let role = role(house, "conversation", &["sendMessage"]).await;
        let of_conversation = [
            "State=closed",
            "Timers.Inactive=PT5M",
            "Timers.Closed=PT50M",
            "MessagingServiceSid=MG00000000000000000000000000000001",
            "Bindings.Email.Address=desk@example.com",
            "Bindings.Email.Name=Desk",
            "DateCreated=2020-01-01",
            "DateUpdated=2020-01-01",
        ];
        for form in of_conversation {
            assert_eq!(alice.update(&path, form).await.code(), "403 50107", "{form}");
            assert_eq!(alice.create("/Conversations", form).await.code(), "403 50107", "{form}");
        }
        for form in ["Author=bob", "DateCreated=2020-01-01", "DateUpdated=2020-01-01"] {
            let both = format!("Body=x&{form}");
            assert_eq!(alice.create(&format!("{path}/Messages"), &both).await.code(), "403 50107", "{form}");
            let one = format!("{path}/Messages/{message}");
            assert_eq!(alice.update(&one, &both).await.code(), "403 50107", "{form}");
        }
        for (form, expected) in [
            (format!("RoleSid={role}"), "403 50205"),
            ("DateCreated=2020-01-01".to_owned(), "403 50107"),
            ("DateUpdated=2020-01-01".to_owned(), "403 50107"),
            ("LastReadMessageIndex=1".to_owned(), "403 50107"),
            ("MessagingBinding.ProjectedAddress=%2B15017122661".to_owned(), "403 50107"),
        ] {
            let one = format!("{path}/Participants/alice");
            assert_eq!(alice.update(&one, &form).await.code(), expected, "{form}");
        }
        let participants = format!("{path}/Participants");
        let form = format!("Identity=carol&RoleSid={role}");
        assert_eq!(alice.create(&participants, &form).await.code(), "403 50205");
        let form = "Identity=carol&DateCreated=2020-01-01";
        assert_eq!(alice.create(&participants, form).await.code(), "403 50107");
        // What is not there comes before what is wrong, under the codes that clients know.
        let nothing = format!("{:032x}", 7);
        for (place, code) in [
            (format!("/Conversations/CH{nothing}/Messages/IM{nothing}"), "404 50350"),
            (format!("{path}/Messages/IM{nothing}"), "404 50500"),
            (format!("{path}/Messages/nothing"), "404 50500"),
            (format!("{path}/Participants/MB{nothing}"), "404 50432"),
            (format!("{path}/Participants/nobody"), "404 50432"),
        ] {
            assert_eq!(alice.update(&place, "Attributes=x").await.code(), code, "{place}");
            assert_eq!(alice.fetch(&place).await.code(), code, "{place}");
        }
        // Nor does a form that is wrong tell an outsider who is within.
        let carol = house.sdk_user("carol").await;
        for identity in ["bob", "nobody"] {
            let reply = carol.update(&format!("{path}/Participants/{identity}"), "Attributes=x").await;
            assert_eq!(reply.code(), "403 50430", "{identity}");
        }
    })
    .await;
}

#[tokio::test]
async fn an_empty_value_clears() {
    on_both(async |house| {
        let (alice, path) = conversation_of_alice(house).await;
        alice.update(&path, "FriendlyName=Desk&UniqueName=desk").await;
        assert_eq!(alice.update(&path, "FriendlyName=").await.get("friendly_name"), Value::Null);
        assert_eq!(alice.update(&path, "UniqueName=").await.get("unique_name"), Value::Null);
        house.post("/v1/Users/alice", "FriendlyName=Alice").await;
        assert_eq!(house.post("/v1/Users/alice", "FriendlyName=").await.get("friendly_name"), "Alice");
        assert_eq!(alice.update("/Users/alice", "FriendlyName=").await.get("friendly_name"), Value::Null);
    })
    .await;
}

#[tokio::test]
async fn a_client_speaks_for_itself_and_with_several_files() {
    on_both(async |house| {
        let (alice, path) = conversation_of_alice(house).await;
        let service = house.get("/v1/Configuration").await.field("default_chat_service_sid");
        let mut files = Vec::new();
        for name in 0..12 {
            let place = format!("/v1/Services/{service}/Media?Filename={name}.txt");
            let request = Request::post(place).header("content-type", "text/plain");
            files.push(house.send(request, "a text").await.sid());
        }
        let messages = format!("{path}/Messages");
        let form = |files: &[String]| format!("&MediaSid={}", files.join("&MediaSid="));
        let sent =
            alice.create(&messages, &format!("Body=Hello&Subject=Greeting{}", form(&files[..3]))).await;
        assert_eq!((sent.code().as_str(), sent.field("author").as_str()), ("201", "alice"));
        let participant = house.get(&format!("/v1{path}/Participants/alice")).await;
        assert_eq!(sent.get("participant_sid"), participant.get("sid"));
        assert_eq!(participant.get("last_read_message_index"), Value::Null);
        let media = sent.get("media");
        let names: Vec<_> = media.as_array().expect("a list").iter().map(|one| &one["filename"]).collect();
        assert_eq!(names, ["0.txt", "1.txt", "2.txt"]);
        for sid in &files[..3] {
            let record = house.get(&format!("/v1/Services/{service}/Media/{sid}")).await;
            assert_eq!(record.field("message_sid"), sent.sid());
        }
        let again = [files[3].clone(), files[2].clone()];
        assert_eq!(alice.create(&messages, &form(&again)).await.code(), "409 50508");
        let twice = [files[3].clone(), files[3].clone()];
        assert_eq!(alice.create(&messages, &form(&twice)).await.code(), "409 50508");
        assert_eq!(alice.create(&messages, &form(&files[1..])).await.code(), "400 20001");
        assert_eq!(alice.create(&messages, "MediaSid=ME1").await.code(), "400 50510");
        // Another user's file is nothing to her.
        let place = format!("/v1/Services/{service}/Media?Author=bob");
        let request = Request::post(place).header("content-type", "text/plain");
        let of_bob = house.send(request, "a text").await.sid();
        assert_eq!(alice.create(&messages, &format!("MediaSid={of_bob}")).await.code(), "404 50507");
        // What was refused took nothing.
        assert_eq!(alice.create(&messages, &form(&files[3..5])).await.code(), "201");
        // Of REST's the last one counts.
        let told = house.post(&format!("/v1{messages}"), &form(&files[5..7])).await;
        assert_eq!(told.get("media")[0]["filename"], "6.txt");
        assert_eq!(house.delete(&format!("/v1{messages}/{}", sent.sid())).await.code(), "204");
        let record = house.get(&format!("/v1/Services/{service}/Media/{}", files[2])).await;
        assert_eq!(record.code(), "404 20404");
    })
    .await;
}

#[tokio::test]
async fn text_and_files_are_allowed_apart() {
    on_both(async |house| {
        let (alice, path) = conversation_of_alice(house).await;
        let service = house.get("/v1/Configuration").await.field("default_chat_service_sid");
        let request =
            Request::post(format!("/v1/Services/{service}/Media")).header("content-type", "text/plain");
        let file = house.send(request, "a text").await.sid();
        for (permissions, alone, both) in [
            (&["sendMessage"][..], "403 50107", "403 50107"),
            (&["sendMediaMessage"], "201", "403 50107"),
            (&["sendMessage", "sendMediaMessage"], "409 50508", "409 50508"),
        ] {
            let role = role(house, "conversation", permissions).await;
            house.post(&format!("/v1{path}/Participants/alice"), &format!("RoleSid={role}")).await;
            let messages = format!("{path}/Messages");
            let text = format!("Body=Hello&MediaSid={file}");
            assert_eq!(alice.create(&messages, &text).await.code(), both, "{permissions:?}");
            let form = format!("MediaSid={file}");
            assert_eq!(alice.create(&messages, &form).await.code(), alone, "{permissions:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn recipients_are_those_whom_a_message_went_out_to() {
    let told = on_both(async |house| {
        let (alice, path) = conversation_of_alice(house).await;
        for (address, proxy) in [
            ("%2B15558675310", "%2B15017122661"),
            ("whatsapp:%2B15558675311", "whatsapp:%2B15017122661"),
            ("%2B15558675312", "%2B15017122661"),
        ] {
            let form = format!("MessagingBinding.Address={address}&MessagingBinding.ProxyAddress={proxy}");
            assert_eq!(alice.create(&format!("{path}/Participants"), &form).await.code(), "201");
        }
        let messages = format!("{path}/Messages");
        let first = alice.create(&messages, "Body=One").await.sid();
        let second = alice.create(&messages, "Body=Two").await.sid();
        let recipients = format!("{path}/MessageRecipients");
        house.note(
            alice
                .list(&recipients, &format!("MessageSid={first}"))
                .await
                .get("message_recipients")
                .to_string(),
        );
        let all = alice.list(&recipients, "").await.get("message_recipients");
        let sids: Vec<_> =
            all.as_array().expect("a list").iter().map(|one| one["message_sid"].clone()).collect();
        let [one, two] = [json!(first), json!(second)];
        assert_eq!(sids, [one.clone(), one.clone(), one, two.clone(), two.clone(), two]);
        let page = alice.list(&recipients, "PageSize=4").await;
        let places: Vec<_> = page.get("message_recipients").as_array().expect("a list").clone();
        assert_eq!(places, all.as_array().expect("a list")[..4]);
        let nothing = format!("MessageSid=IM{:032x}", 7);
        assert_eq!(alice.list(&recipients, &nothing).await.code(), "404 50500");
        let empty = conversation_of_alice(house).await.1;
        let other = alice.list(&format!("{empty}/MessageRecipients"), &format!("MessageSid={first}")).await;
        assert_eq!(other.code(), "404 50500");
    })
    .await;
    assert_snapshot!(told, @r#"[{"address":"+15558675310","level":null,"message_sid":"IM00000000000000000000000000000018","name":null,"type":"sms"},{"address":"whatsapp:+15558675311","level":null,"message_sid":"IM00000000000000000000000000000018","name":null,"type":"whatsapp"},{"address":"+15558675312","level":null,"message_sid":"IM00000000000000000000000000000018","name":null,"type":"sms"}]"#);
}
