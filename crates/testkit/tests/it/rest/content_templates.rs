//! Content templates: made in the administration, and named by messages.

use http::Request;
use insta::assert_snapshot;
use testkit::{House, Reply, on_both, on_both_with};

use super::{codes, conversation, page};

const LIST: &str = "/tertulia/v1/ContentTemplates";
const IMPORTED: &str = "HX00112233445566778899aabbccddeeff";
const NOBODY: &str = "HX00000000000000000000000000000000";

async fn post_json(house: &House, body: &str) -> Reply {
    house.send(Request::post(LIST).header("content-type", "application/json"), body).await
}

/// A template of one type with this body.
async fn template(house: &House, body: &str) -> String {
    let body = serde_json::json!({"types": {"twilio/text": {"body": body}}, "variables": {"2": "soon"}});
    post_json(house, &body.to_string()).await.sid()
}

fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// A message of this template, with these variables.
async fn said(house: &House, path: &str, (sid, variables): (&str, &str)) -> Reply {
    house.post(path, &format!("ContentSid={sid}&ContentVariables={}", encoded(variables))).await
}

#[tokio::test]
async fn a_template_is_made_shown_listed_and_removed() {
    let told = on_both(async |house| {
        let body = format!(
            r#"{{"sid": "{IMPORTED}", "account_sid": "AC1", "friendly_name": "greeting", "language": "pt_BR",
                "variables": {{"1": "you"}}, "url": "https://example.org", "links": {{}},
                "types": {{"twilio/text": {{ "body": "Hi {{{{1}}}}" }}}}}}"#
        );
        let made = post_json(house, &body).await;
        house.note(made.text());
        let path = format!("{LIST}/{IMPORTED}");
        assert_eq!(house.get(&path).await.json(), made.json());
        let again = post_json(house, &body).await;
        house.note(again.text());
        house.clock.advance_seconds(1);
        let form = format!("Types={}&Sid=&Variables=", encoded(r#"{"twilio/media":{"media":["u"]}}"#));
        house.note(house.post(LIST, &form).await.text());
        let first = house.get(&format!("{LIST}?PageSize=1")).await;
        assert_eq!(first.get("contents")[0], made.json());
        let next = house.get(&page(&first, "next_page_url").expect("there are two")).await;
        house.note(serde_json::to_string_pretty(&next.get("meta")).expect("it was read"));
        assert_eq!(house.delete(&path).await.code(), "204");
        for code in [
            house.get(&path).await.code(),
            house.delete(&path).await.code(),
            house.get(&format!("{LIST}/greeting")).await.code(),
        ] {
            assert_eq!(code, "404 20404");
        }
        assert_eq!(house.post(&path, "").await.code(), "405 20004");
        assert_eq!(house.delete(LIST).await.code(), "405 20004");
        assert_eq!(house.send_as_is(Request::get(LIST), "").await.code(), "401 20003");
    })
    .await;
    assert_snapshot!(told, @r#"
    201 Created
    {
      "account_sid": "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      "date_created": "2026-01-01T00:00:00Z",
      "date_updated": "2026-01-01T00:00:00Z",
      "friendly_name": "greeting",
      "language": "pt_BR",
      "sid": "HX00112233445566778899aabbccddeeff",
      "types": {
        "twilio/text": {
          "body": "Hi {{1}}"
        }
      },
      "url": "http://tertulia.test/tertulia/v1/ContentTemplates/HX00112233445566778899aabbccddeeff",
      "variables": {
        "1": "you"
      }
    }

    409 Conflict
    {
      "code": 20409,
      "message": "Content template already exists",
      "more_info": "https://www.twilio.com/docs/errors/20409",
      "status": 409
    }

    201 Created
    {
      "account_sid": "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      "date_created": "2026-01-01T00:00:01Z",
      "date_updated": "2026-01-01T00:00:01Z",
      "friendly_name": null,
      "language": "en",
      "sid": "HX0000000000000000000000000000000c",
      "types": {
        "twilio/media": {
          "media": [
            "u"
          ]
        }
      },
      "url": "http://tertulia.test/tertulia/v1/ContentTemplates/HX0000000000000000000000000000000c",
      "variables": {}
    }

    {
      "first_page_url": "http://tertulia.test/tertulia/v1/ContentTemplates?PageSize=1&Page=0",
      "key": "contents",
      "next_page_url": null,
      "page": 1,
      "page_size": 1,
      "previous_page_url": "http://tertulia.test/tertulia/v1/ContentTemplates?PageSize=1&Page=0&PageToken=PTeyJvIjoiYiIsImF0IjoxNzY3MjI1NjAxMDAwMDAwLCJzaWQiOiIwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwYyIsImxpc3QiOjE2OTE5MzUyNTEzNTY3ODU2NjU1fQ",
      "url": "http://tertulia.test/tertulia/v1/ContentTemplates?PageSize=1&Page=1&PageToken=PTeyJvIjoiYSIsImF0IjoxNzY3MjI1NjAwMDAwMDAwLCJzaWQiOiIwMDExMjIzMzQ0NTU2Njc3ODg5OWFhYmJjY2RkZWVmZiIsImxpc3QiOjE2OTE5MzUyNTEzNTY3ODU2NjU1fQ"
    }
    "#);
}

#[tokio::test]
async fn what_is_wrong_with_a_template_is_told_by_its_parameter() {
    let told = on_both(async |house| {
        let name = "n".repeat(257);
        let large = format!(r#"{{"a/b":{{"c":"{}"}}}}"#, "x".repeat(64 * 1024));
        let types = r#""types":{"twilio/text":{"body":"x"}}"#;
        for (shown, body) in [
            ("empty", String::new()),
            ("no object", "[]".to_owned()),
            ("nothing", "{}".to_owned()),
            ("sid", format!(r#"{{"sid":"HX1",{types}}}"#)),
            ("name", format!(r#"{{"friendly_name":"{name}",{types}}}"#)),
            ("nul", format!(r#"{{"friendly_name":"\u0000",{types}}}"#)),
            ("language", format!(r#"{{"language":"e n",{types}}}"#)),
            ("variables", format!(r#"{{"variables":{{"1":1}},{types}}}"#)),
            ("types", r#"{"types":{"twilio/text":{"body":1}}}"#.to_owned()),
            ("large", format!(r#"{{"types":{large}}}"#)),
            ("enough", format!("{{{types}}}")),
        ] {
            let reply = post_json(house, &body).await;
            let message = reply.json()["message"].as_str().unwrap_or_default().to_owned();
            house.note(format!("{shown} -> {} {message}", reply.code()));
        }
        let request = Request::post(LIST).header("content-type", "text/plain");
        assert_eq!(house.send(request, "{}").await.code(), "400 20001");
        assert_eq!(house.post(LIST, "Types=%7B").await.code(), "400 20001");
    })
    .await;
    assert_snapshot!(told, @"
    empty -> 400 20001 The body is not the JSON object of a content template

    no object -> 400 20001 The body is not the JSON object of a content template

    nothing -> 400 20001 Missing parameter Types

    sid -> 400 20001 Invalid value for parameter Sid

    name -> 400 20001 Invalid value for parameter FriendlyName

    nul -> 400 20001 Invalid value for parameter FriendlyName

    language -> 400 20001 Invalid value for parameter Language

    variables -> 400 20001 Invalid value for parameter Variables

    types -> 400 20001 Invalid value for parameter Types

    large -> 400 20001 Invalid value for parameter Types

    enough -> 201
    ");
}

#[tokio::test]
async fn a_message_says_what_its_template_does() {
    let told = on_both(async |house| {
        let path = format!("{}/Messages", conversation(house).await);
        let sid = template(house, "Hi {{1}}, see you {{2}} {{3}}").await;
        let form = format!(
            "ContentSid={sid}&ContentVariables={}&Body=ignored&MediaSid=ignored",
            encoded(r#"{"1": "Ada & Co"}"#)
        );
        let reply = house.post(&path, &form).await;
        house.note(reply.text());
        for variables in ["", "{}", r#"{"1":"","2":"","3":""}"#, r#"{"1":"{{2}}"}"#] {
            house.note(format!(
                "{variables} -> {}",
                said(house, &path, (&sid, variables)).await.field("body")
            ));
        }
        // What was said stays said.
        assert_eq!(house.delete(&format!("{LIST}/{sid}")).await.code(), "204");
        let kept = house.get(&format!("{path}/{}", reply.sid())).await;
        assert_eq!(kept.json(), reply.json());
        assert_eq!(said(house, &path, (&sid, "")).await.code(), "400 50526");
        let last = house.get(&format!("{path}?Order=desc&PageSize=1")).await.get("messages");
        assert_eq!(last[0]["index"], 4, "what was refused took no index");
    })
    .await;
    assert_snapshot!(told, @r#"
    201 Created
    {
      "account_sid": "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      "attributes": "{}",
      "author": "system",
      "body": "Hi Ada & Co, see you soon {{3}}",
      "content_sid": "HX0000000000000000000000000000000b",
      "conversation_sid": "CH00000000000000000000000000000009",
      "date_created": "2026-01-01T00:00:00Z",
      "date_updated": "2026-01-01T00:00:00Z",
      "delivery": null,
      "index": 0,
      "links": {
        "channel_metadata": "http://tertulia.test/v1/Conversations/CH00000000000000000000000000000009/Messages/IM0000000000000000000000000000000d/ChannelMetadata",
        "delivery_receipts": "http://tertulia.test/v1/Conversations/CH00000000000000000000000000000009/Messages/IM0000000000000000000000000000000d/Receipts"
      },
      "media": null,
      "participant_sid": null,
      "sid": "IM0000000000000000000000000000000d",
      "url": "http://tertulia.test/v1/Conversations/CH00000000000000000000000000000009/Messages/IM0000000000000000000000000000000d"
    }

     -> Hi {{1}}, see you soon {{3}}

    {} -> Hi {{1}}, see you soon {{3}}

    {"1":"","2":"","3":""} -> Hi , see you  

    {"1":"{{2}}"} -> Hi {{2}}, see you soon {{3}}
    "#);
}

#[tokio::test]
async fn of_several_types_the_plainest_is_said() {
    let told = on_both(async |house| {
        let path = format!("{}/Messages", conversation(house).await);
        for types in [
            r#"{"twilio/card":{"title":"card {{1}}"},"twilio/quick-reply":{"body":"reply {{1}}","actions":[]}}"#,
            r#"{"twilio/media":{"media":["https://example.org/{{1}}.png"]}}"#,
            r#"{"whatsapp/authentication":{"body":"code {{1}}"}}"#,
        ] {
            let made = house.post(LIST, &format!("Types={}", encoded(types))).await;
            let reply = said(house, &path, (&made.sid(), r#"{"1":"one"}"#)).await;
            let body = reply.json().get("body").cloned().unwrap_or_default();
            house.note(format!("{types} -> {} {body}", reply.code()));
        }
    })
    .await;
    assert_snapshot!(told, @r#"
    {"twilio/card":{"title":"card {{1}}"},"twilio/quick-reply":{"body":"reply {{1}}","actions":[]}} -> 201 "reply one"

    {"twilio/media":{"media":["https://example.org/{{1}}.png"]}} -> 201 null

    {"whatsapp/authentication":{"body":"code {{1}}"}} -> 400 50542 null
    "#);
}

#[tokio::test]
async fn what_is_wrong_with_a_content_has_its_code() {
    let told = on_both(async |house| {
        let conversation = conversation(house).await;
        let path = format!("{conversation}/Messages");
        let sid = template(house, &"{{1}}".repeat(129)).await;
        let object = |keys: usize, key: &str, value: &str| {
            let members: Vec<_> = (0..keys).map(|place| format!("\"{place}{key}\":\"{value}\"")).collect();
            format!("{{{}}}", members.join(","))
        };
        for (shown, variables) in [
            ("no JSON", "junk".to_owned()),
            ("no object", "[]".to_owned()),
            ("a number", r#"{"1":1}"#.to_owned()),
            ("nul", r#"{"1":"\u0000"}"#.to_owned()),
            ("too long", format!(r#"{{"1":"{}"}}"#, "x".repeat(27_801))),
            ("too many", object(101, "", "")),
            ("long key", object(1, &"k".repeat(16), "")),
            ("long value", object(1, "", &"v".repeat(257))),
            ("as many and long as may be", object(100, &"k".repeat(14), &"v".repeat(256))),
            ("too much text", format!(r#"{{"1":"{}"}}"#, "x".repeat(255))),
        ] {
            house.note(format!("{shown} -> {}", said(house, &path, (&sid, &variables)).await.code()));
        }
        let unknown = format!("ContentSid={NOBODY}");
        let bad = format!("ContentSid={NOBODY}&ContentVariables=junk");
        let missing = format!("/v1/Conversations/CH{}/Messages", &NOBODY[2..]);
        let requests = [
            (path.clone(), "ContentSid=HX1"),
            (path.clone(), &*unknown),
            (path.clone(), "Body=1&ContentVariables=%7B%7D"),
            (path.clone(), "Body=1&ContentSid=&ContentVariables="),
            (missing.clone(), "ContentSid=HX1"),
            (missing, &*unknown),
        ];
        house.note(codes(house, &requests).await);
        house.post(&conversation, "State=closed").await;
        // Syntax, then the state, then what is named.
        house.note(codes(house, &[(path.clone(), &*bad), (path.clone(), &*unknown)]).await);
    })
    .await;
    assert_snapshot!(told, @"
    no JSON -> 400 50527

    no object -> 400 50527

    a number -> 400 50527

    nul -> 400 50527

    too long -> 400 50529

    too many -> 400 50529

    long key -> 400 50540

    long value -> 400 50541

    as many and long as may be -> 201

    too much text -> 400 50504

    ContentSid=HX1 -> 400 50526
    ContentSid=HX00000000000000000000000000000000 -> 400 50526
    Body=1&ContentVariables=%7B%7D -> 400 50528
    Body=1&ContentSid=&ContentVariables= -> 201
    ContentSid=HX1 -> 404 20404
    ContentSid=HX00000000000000000000000000000000 -> 404 20404

    ContentSid=HX00000000000000000000000000000000&ContentVariables=junk -> 400 50527
    ContentSid=HX00000000000000000000000000000000 -> 400 50377
    ");
}

#[tokio::test]
async fn a_template_speaks_in_a_group_and_wakes_a_conversation() {
    on_both(async |house| {
        let sid = template(house, "Hello").await;
        let inactive = house.post("/v1/Conversations", "State=inactive").await.sid();
        let path = format!("/v1/Conversations/{inactive}");
        assert_eq!(said(house, &format!("{path}/Messages"), (&sid, "")).await.code(), "201");
        assert_eq!(house.get(&path).await.field("state"), "active");
        let group = conversation(house).await;
        house.post(&format!("{group}/Participants"), "MessagingBinding.Address=%2B15558675310").await;
        let path = format!("{group}/Messages");
        assert_eq!(said(house, &path, (&sid, "")).await.code(), "400 50513");
        let form = format!("ContentSid={sid}&Author=%2B15558675310");
        assert_eq!(house.post(&path, &form).await.field("body"), "Hello");
    })
    .await;
}

#[tokio::test]
async fn lenient_mode_knows_no_limit_but_one() {
    let settings = server::Settings { limits: conversations::Limits::Lenient, ..server::Settings::default() };
    on_both_with(settings, async |house| {
        let path = format!("{}/Messages", conversation(house).await);
        let sid = template(house, &"{{1}}".repeat(20)).await;
        let value = |length| format!(r#"{{"1":"{}"}}"#, "x".repeat(length));
        let reply = said(house, &path, (&sid, &value(50_000))).await;
        assert_eq!(reply.field("body").len(), 1_000_000);
        assert_eq!(said(house, &path, (&sid, &value(60_000))).await.code(), "400 50504");
    })
    .await;
}
