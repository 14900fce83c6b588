//! `/v1/Services/{ChatServiceSid}/Media`, and the files of messages.

use http::Request;
use insta::assert_snapshot;
use serde_json::json;
use testkit::{House, Reply, on_both, on_both_with};

use super::conversation;

/// The account's default service.
async fn service(house: &House) -> String {
    house.get("/v1/Configuration").await.field("default_chat_service_sid")
}

async fn media(house: &House) -> String {
    format!("/v1/Services/{}/Media", service(house).await)
}

async fn upload(house: &House, path: &str, content_type: &str, body: &str) -> Reply {
    house.send(Request::post(path).header("content-type", content_type), body).await
}

/// A small picture, as far as anybody can tell.
async fn uploaded(house: &House) -> String {
    upload(house, &media(house).await, "image/png", "a picture").await.sid()
}

/// GET of what may be no JSON.
async fn content(house: &House, path: &str, header: Option<(&str, &str)>) -> Reply {
    let request = Request::get(path);
    let request = header.into_iter().fold(request, |request, (name, value)| request.header(name, value));
    house.send(request, "").await
}

fn direct(record: &Reply) -> String {
    let links = record.get("links");
    let url = links["content_direct_temporary"].as_str().expect("a URL");
    url.strip_prefix("http://tertulia.test").expect("on the host").to_owned()
}

async fn anonymous(house: &House, path: &str) -> Reply {
    house.send_as_is(Request::get(path), "").await
}

/// How many files wait to be removed, and how many have rows.
async fn rows(house: &House, table: &'static str) -> i64 {
    let count = move |tx: &mut store::Tx<'_>| {
        tx.row(&format!("SELECT COUNT(*) FROM {table}"), &[], crate::conformance::one::<i64>)
    };
    house.app.store().read(count).await.expect("the store reads").expect("a count")
}

#[tokio::test]
async fn a_file_is_uploaded_fetched_and_read() {
    let told = on_both(async |house| {
        let path = media(house).await;
        let made = upload(house, &format!("{path}?Filename=cat.png"), "image/png", "a picture").await;
        house.note(String::from_utf8(made.body.clone()).expect("text"));
        assert_eq!(made.status, 201);
        let one = format!("{path}/{}", made.sid());
        let record = house.get(&one).await;
        house.note(record.text());
        let read = content(house, &format!("{one}/Content"), None).await;
        assert_eq!((read.status.as_u16(), &*read.body), (200, &b"a picture"[..]));
        for (name, value) in [
            ("content-type", "image/png"),
            ("content-length", "9"),
            ("content-disposition", "inline; filename*=UTF-8''cat.png"),
            ("x-content-type-options", "nosniff"),
            ("content-security-policy", "sandbox; default-src 'none'"),
        ] {
            assert_eq!(read.header(name), Some(value));
        }
        let part = content(house, &format!("{one}/Content"), Some(("range", "bytes=2-4"))).await;
        assert_eq!((part.status.as_u16(), &*part.body), (206, &b"pic"[..]));
        assert_eq!(part.header("content-range"), Some("bytes 2-4/9"));
        let none = content(house, &format!("{one}/Content"), Some(("range", "bytes=9-"))).await;
        assert_eq!((none.status.as_u16(), none.header("content-range")), (416, Some("bytes */9")));
        let with_origin = content(house, &one, Some(("origin", "https://app.example"))).await;
        assert_eq!(with_origin.header("access-control-allow-origin"), Some("*"));
        let asked = house.send_as_is(Request::options(&path), "").await;
        assert_eq!(asked.code(), "200");
    })
    .await;
    assert_snapshot!(told, @r#"
    {"sid":"ME0000000000000000000000000000000a","service_sid":"IS00000000000000000000000000000001","date_created":"2026-01-01T00:00:00.000000+00:00","date_upload_updated":"2026-01-01T00:00:00.000000+00:00","date_updated":"2026-01-01T00:00:00.000000+00:00","links":{"content":"/v1/Services/IS00000000000000000000000000000001/Media/ME0000000000000000000000000000000a/Content"},"size":9,"content_type":"image/png","filename":"cat.png","author":"system","category":"media","message_sid":null,"channel_sid":null,"url":"/v1/Services/IS00000000000000000000000000000001/Media/ME0000000000000000000000000000000a","is_multipart_upstream":false}

    200 OK
    {
      "author": "system",
      "category": "media",
      "channel_sid": null,
      "content_type": "image/png",
      "date_created": "2026-01-01T00:00:00.000000+00:00",
      "date_updated": "2026-01-01T00:00:00.000000+00:00",
      "date_upload_updated": "2026-01-01T00:00:00.000000+00:00",
      "filename": "cat.png",
      "is_multipart_upstream": false,
      "links": {
        "content": "/v1/Services/IS00000000000000000000000000000001/Media/ME0000000000000000000000000000000a/Content",
        "content_direct_temporary": "http://tertulia.test/v1/Services/IS00000000000000000000000000000001/Media/ME0000000000000000000000000000000a/Content?Expires=1767225900&Signature=099111388ca027036593bec2a9cc0021279875e56e237e4905f44278ca37a044"
      },
      "message_sid": null,
      "service_sid": "IS00000000000000000000000000000001",
      "sid": "ME0000000000000000000000000000000a",
      "size": 9,
      "url": "/v1/Services/IS00000000000000000000000000000001/Media/ME0000000000000000000000000000000a"
    }
    "#);
}

#[tokio::test]
async fn the_direct_address_is_signed_and_short_lived() {
    on_both(async |house| {
        let path = media(house).await;
        let (one, other) = (uploaded(house).await, uploaded(house).await);
        let conversation = conversation(house).await;
        house.post(&format!("{conversation}/Messages"), &format!("MediaSid={one}")).await;
        let url = direct(&house.get(&format!("{path}/{one}")).await);
        let read = anonymous(house, &url).await;
        assert_eq!((read.status.as_u16(), &*read.body), (200, &b"a picture"[..]));
        // Whatever else somebody sends.
        let read = house.send_as_is(Request::get(&url).header("authorization", "Basic nonsense"), "").await;
        assert_eq!(read.status, 200);
        let later = url.replace("Expires=1", "Expires=2");
        for wrong in [
            url.replace(&one, &other),
            later,
            url[..url.len() - 1].to_owned(),
            format!("{}0", &url[..url.len() - 1]),
            format!("{}1", &url[..url.len() - 1]),
        ] {
            if wrong != url {
                assert_eq!(anonymous(house, &wrong).await.code(), "403 20403", "{wrong}");
            }
        }
        let content = format!("{path}/{one}/Content");
        assert_eq!(anonymous(house, &content).await.code(), "401 20003");
        house.clock.advance_seconds(5 * 60 - 1);
        assert_eq!(anonymous(house, &url).await.status, 200);
        house.clock.advance_seconds(1);
        assert_eq!(anonymous(house, &url).await.code(), "403 20403");
        let again = direct(&house.get(&format!("{path}/{one}")).await);
        assert_eq!(anonymous(house, &again).await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn a_form_may_hold_the_file() {
    on_both(async |house| {
        let path = media(house).await;
        let form = |parts: &[(&str, &str)]| {
            let parts = parts
                .iter()
                .map(|(head, body)| format!("--b\r\nContent-Disposition: {head}\r\n\r\n{body}\r\n"));
            parts.collect::<String>() + "--b--\r\n"
        };
        let picture = ("form-data; name=\"x\"; filename=\"cat.png\"\r\nContent-Type: image/png", "a picture");
        let post = async |parts: &[(&str, &str)]| {
            upload(house, &path, "multipart/form-data; boundary=b", &form(parts)).await
        };
        let plain = post(&[picture]).await;
        let (name, author) = (plain.field("filename"), plain.field("author"));
        assert_eq!((&*name, &*author), ("cat.png", "system"));
        assert_eq!((plain.field("content_type"), plain.get("size")), ("image/png".to_owned(), json!(9)));
        let said = post(&[
            ("form-data; name=\"FileName\"", "dog.png"),
            picture,
            ("form-data; name=\"Author\"", "alice"),
            ("form-data; name=\"Category\"", "body"),
        ])
        .await;
        assert_eq!(
            (said.field("filename"), said.field("author")),
            ("dog.png".to_owned(), "alice".to_owned())
        );
        assert_eq!(said.field("category"), "body");
        let read = content(house, &format!("{path}/{}/Content", said.sid()), None).await;
        assert_eq!(read.body, b"a picture");
        assert_eq!(post(&[("form-data; name=\"Author\"", "alice")]).await.code(), "400 20001");
        assert_eq!(post(&[picture, picture]).await.code(), "400 20001");
        assert_eq!(post(&[picture, ("form-data; name=\"Category\"", "cat")]).await.code(), "400 20001");
        let broken = upload(house, &path, "multipart/form-data; boundary=c", &form(&[picture])).await;
        assert_eq!(broken.code(), "400 20001");
        assert_eq!(upload(house, &path, "multipart/form-data", "").await.code(), "400 20001");
        assert_eq!(rows(house, "media").await, 2, "what is refused leaves no row");
    })
    .await;
}

#[tokio::test]
async fn what_an_upload_may_not_be() {
    let told = on_both(async |house| {
        let path = media(house).await;
        let shop = house.post("/v1/Services", "FriendlyName=Shop").await.sid();
        let one = uploaded(house).await;
        for (path, content_type, body) in [
            (path.clone(), "", ""),
            (path.clone(), "", "bytes"),
            (path.clone(), "text/plain; charset=utf-8", "text"),
            (path.clone(), "application/x-www-form-urlencoded", "a=b"),
            (path.clone(), "picture", "bytes"),
            (format!("{path}?Category=Body"), "text/plain", "text"),
            (format!("{path}?Category=cat"), "text/plain", "text"),
            (format!("{path}?Filename=../../etc/passwd"), "text/plain", "text"),
            ("/v1/Services/default/Media".to_owned(), "text/plain", "text"),
            (format!("/v1/Services/IS{}/Media", "0".repeat(32)), "picture", "text"),
        ] {
            let reply = upload(house, &path, content_type, body).await;
            let filename =
                if reply.status == 201 { reply.get("filename").to_string() } else { String::new() };
            let shown = path.rsplit_once("Media").expect("a path of media").1;
            house.note(format!("{shown} {content_type} -> {} {filename}", reply.code()));
        }
        // Another service's, and another method.
        assert_eq!(house.get(&format!("/v1/Services/{shop}/Media/{one}")).await.code(), "404 20404");
        let missing = house.get(&format!("/v1/Services/{shop}/Media/{one}/Content")).await;
        assert_eq!(
            missing.field("message"),
            format!("The requested resource /Services/{shop}/Media/{one}/Content was not found")
        );
        assert_eq!(house.get(&path).await.code(), "405 20004");
        assert_eq!(house.delete(&format!("{path}/{one}")).await.code(), "405 20004");
        assert_eq!(house.get(&format!("{path}/nothing")).await.code(), "404 20404");
        assert_eq!(house.send_as_is(Request::post(&path), "x").await.code(), "401 20003");
        let coded = Request::post(&path).header("content-encoding", "gzip");
        assert_eq!(house.send(coded, "x").await.code(), "400 20001");
    })
    .await;
    assert_snapshot!(told, @r#"
      -> 201 null

      -> 201 null

     text/plain; charset=utf-8 -> 201 null

     application/x-www-form-urlencoded -> 201 null

     picture -> 400 50511 

    ?Category=Body text/plain -> 201 null

    ?Category=cat text/plain -> 400 20001 

    ?Filename=../../etc/passwd text/plain -> 201 "passwd"

     text/plain -> 404 20404 

     picture -> 404 20404
    "#);
}

#[tokio::test]
async fn the_limits_of_size() {
    let large = "x".repeat(1024 * 1024 + 1);
    let mut settings = server::Settings::default();
    settings.media.max_bytes = 1024 * 1024;
    on_both_with(settings, async |house| {
        let path = media(house).await;
        assert_eq!(upload(house, &path, "text/plain", &large).await.code(), "413 20413");
        assert_eq!(upload(house, &path, "text/plain", &large[1..]).await.code(), "201");
        let announced = Request::post(&path).header("content-length", "1048577");
        assert_eq!(house.send(announced, "").await.code(), "413 20413");
    })
    .await;
    on_both(async |house| {
        let too_large = (150 * 1024 * 1024 + 1).to_string();
        let announced = Request::post(media(house).await).header("content-length", too_large);
        assert_eq!(house.send(announced, "").await.code(), "400 50512");
    })
    .await;
}

#[tokio::test]
async fn a_message_carries_one_file() {
    let told = on_both(async |house| {
        let path = format!("{}/Messages", conversation(house).await);
        let one = uploaded(house).await;
        let sent = house.post(&path, &format!("MediaSid={one}")).await;
        house.note(sent.text());
        let record = house.get(&format!("{}/{one}", media(house).await)).await;
        assert_eq!(record.field("message_sid"), sent.sid());
        assert_eq!(record.field("channel_sid"), sent.field("conversation_sid"));
        let listed = house.get(&path).await.get("messages");
        assert_eq!(listed[0]["media"][0]["sid"], json!(one));
        let with_body = house.post(&path, &format!("Body=look&MediaSid={}", uploaded(house).await)).await;
        assert_eq!((with_body.field("body"), with_body.get("index")), ("look".to_owned(), json!(1)));
        for form in [
            format!("MediaSid={one}"),
            format!("MediaSid=ME{}", "0".repeat(32)),
            "MediaSid=junk".to_owned(),
            "MediaSid=".to_owned(),
            "MediaSid=&Body=x".to_owned(),
        ] {
            let form = form.replace(&one, "ONE");
            let reply = house.post(&path, &form.replace("ONE", &one)).await;
            house.note(format!("{form} -> {}", reply.code()));
        }
        let message = format!("{path}/{}", sent.sid());
        assert_eq!(house.post(&message, "Body=other").await.code(), "400 50509");
        assert_eq!(house.post(&message, "Author=alice").await.code(), "200");
        // A service's file is none of another service's.
        let shop = house.post("/v1/Services", "FriendlyName=Shop").await.sid();
        let foreign = upload(house, &format!("/v1/Services/{shop}/Media"), "a/b", "x").await.sid();
        assert_eq!(house.post(&path, &format!("MediaSid={foreign}")).await.code(), "404 50507");
        // The gate of the state comes before the file.
        let closed = conversation(house).await;
        house.post(&closed, "State=closed").await;
        let form = format!("MediaSid=ME{}", "0".repeat(32));
        assert_eq!(house.post(&format!("{closed}/Messages"), &form).await.code(), "400 50377");
    })
    .await;
    assert_snapshot!(told, @r#"
    201 Created
    {
      "account_sid": "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      "attributes": "{}",
      "author": "system",
      "body": null,
      "content_sid": null,
      "conversation_sid": "CH00000000000000000000000000000009",
      "date_created": "2026-01-01T00:00:00Z",
      "date_updated": "2026-01-01T00:00:00Z",
      "delivery": null,
      "index": 0,
      "links": {
        "channel_metadata": "http://tertulia.test/v1/Conversations/CH00000000000000000000000000000009/Messages/IM0000000000000000000000000000000e/ChannelMetadata",
        "delivery_receipts": "http://tertulia.test/v1/Conversations/CH00000000000000000000000000000009/Messages/IM0000000000000000000000000000000e/Receipts"
      },
      "media": [
        {
          "category": "media",
          "content_type": "image/png",
          "filename": null,
          "sid": "ME0000000000000000000000000000000c",
          "size": 9
        }
      ],
      "participant_sid": null,
      "sid": "IM0000000000000000000000000000000e",
      "url": "http://tertulia.test/v1/Conversations/CH00000000000000000000000000000009/Messages/IM0000000000000000000000000000000e"
    }

    MediaSid=ONE -> 409 50508

    MediaSid=ME00000000000000000000000000000000 -> 404 50507

    MediaSid=junk -> 400 50510

    MediaSid= -> 400 50503

    MediaSid=&Body=x -> 201
    "#);
}

#[tokio::test]
async fn of_two_messages_at_once_one_gets_the_file() {
    on_both(async |house| {
        let rooms = [conversation(house).await, conversation(house).await];
        for _ in 0..10 {
            let form = format!("MediaSid={}", uploaded(house).await);
            let paths = rooms.each_ref().map(|room| format!("{room}/Messages"));
            let (one, two, three) = tokio::join!(
                house.post(&paths[0], &form),
                house.post(&paths[1], &form),
                house.post(&paths[0], &form)
            );
            let mut codes = [one.code(), two.code(), three.code()];
            codes.sort();
            assert_eq!(codes, ["201", "409 50508", "409 50508"], "on {:?}", house.engine);
        }
        assert_eq!(rows(house, "messages").await, 10);
    })
    .await;
}

#[tokio::test]
async fn what_no_message_carries_goes_after_five_minutes() {
    on_both(async |house| {
        let path = media(house).await;
        let (sent, left) = (uploaded(house).await, uploaded(house).await);
        let messages = format!("{}/Messages", conversation(house).await);
        house.post(&messages, &format!("MediaSid={sent}")).await;
        house.clock.advance_seconds(5 * 60 - 1);
        house.keep_house().await;
        assert_eq!(house.get(&format!("{path}/{left}")).await.code(), "200");
        house.clock.advance_seconds(1);
        // It is gone at its time, whenever housekeeping comes by.
        assert_eq!(house.get(&format!("{path}/{left}")).await.code(), "404 20404");
        assert_eq!(house.post(&messages, &format!("MediaSid={left}")).await.code(), "404 50507");
        assert_eq!(rows(house, "media").await, 2);
        house.keep_house().await;
        assert_eq!((rows(house, "media").await, rows(house, "media_removals").await), (1, 0));
        house.clock.advance_seconds(365 * 86_400);
        house.keep_house().await;
        let kept = content(house, &format!("{path}/{sent}/Content"), None).await;
        assert_eq!((kept.status.as_u16(), &*kept.body), (200, &b"a picture"[..]));
    })
    .await;
}

#[tokio::test]
async fn files_go_with_their_message_conversation_and_service() {
    on_both(async |house| {
        let shop = house.post("/v1/Services", "FriendlyName=Shop").await.sid();
        let inside = format!("/v1/Services/{shop}");
        let room = format!(
            "{inside}/Conversations/{}",
            house.post(&format!("{inside}/Conversations"), "").await.sid()
        );
        let other = format!(
            "{inside}/Conversations/{}",
            house.post(&format!("{inside}/Conversations"), "").await.sid()
        );
        let mut sent = Vec::new();
        for (room, count) in [(&room, 3), (&other, 1)] {
            for _ in 0..count {
                let file = upload(house, &format!("{inside}/Media"), "image/png", "a picture").await.sid();
                sent.push(house.post(&format!("{room}/Messages"), &format!("MediaSid={file}")).await);
            }
        }
        upload(house, &format!("{inside}/Media"), "image/png", "nobody's").await;
        let left = async || {
            house.keep_house().await;
            assert_eq!(rows(house, "media_removals").await, 0, "on {:?}", house.engine);
            rows(house, "media").await
        };
        let file = sent[0].get("media")[0]["sid"].as_str().expect("a sid").to_owned();
        let url = direct(&house.get(&format!("{inside}/Media/{file}")).await);
        assert_eq!(house.delete(&format!("{room}/Messages/{}", sent[0].sid())).await.code(), "204");
        assert_eq!(anonymous(house, &url).await.code(), "404 20404");
        assert_eq!(left().await, 4);
        assert_eq!(house.delete(&room).await.code(), "204");
        assert_eq!(left().await, 2);
        assert_eq!(house.delete(&inside).await.code(), "204");
        assert_eq!(left().await, 0);
    })
    .await;
}

#[tokio::test]
async fn a_set_tells_of_each() {
    on_both(async |house| {
        let service = service(house).await;
        let (one, two) = (uploaded(house).await, uploaded(house).await);
        let nobody = format!("ME{}", "0".repeat(32));
        let path = format!("/v1/Services/{service}/MediaSet");
        let set = async |body: serde_json::Value| {
            let request = Request::post(&path).header("content-type", "application/json");
            house.send(request, &body.to_string()).await
        };
        let list = json!([{"media_sid": two}, {"media_sid": nobody}, {"media_sid": one}]);
        let told = set(json!({"command": "get", "list": list})).await.json();
        let told = told.as_array().expect("an array");
        let codes: Vec<_> = told.iter().map(|one| one["code"].clone()).collect();
        assert_eq!(codes, [json!(200), json!(404), json!(200)]);
        assert_eq!(told[0]["media_record"]["sid"], json!(two));
        assert_eq!(told[1]["media_record"], json!(null));
        assert!(told[2]["media_record"]["links"]["content_direct_temporary"].is_string());
        for (body, code) in [
            (json!({"command": "get", "list": []}), "200"),
            (json!({"command": "put", "list": []}), "400 20001"),
            (json!({"list": []}), "400 20001"),
            (json!({"command": "get", "list": [{}]}), "400 50506"),
            (json!({"command": "get", "list": [{"media_sid": "junk"}]}), "400 50510"),
            (json!({"command": "get", "list": vec![json!({"media_sid": one}); 101]}), "400 20001"),
        ] {
            let reply = set(body).await;
            assert_eq!(if reply.status == 200 { "200".to_owned() } else { reply.code() }, code);
        }
    })
    .await;
}

#[tokio::test]
async fn an_upload_that_never_ended_is_known_of() {
    on_both(async |house| {
        let path = media(house).await;
        let broken = "--b\r\nContent-Disposition: form-data; filename=x\r\n\r\nhalf of a picture";
        assert_eq!(upload(house, &path, "multipart/form-data; boundary=b", broken).await.code(), "400 20001");
        house.keep_house().await;
        assert_eq!((rows(house, "media").await, rows(house, "media_removals").await), (0, 1));
        house.clock.advance_seconds(2 * 3600);
        house.keep_house().await;
        assert_eq!(rows(house, "media_removals").await, 0);
    })
    .await;
}
