use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// A frame whose lengths are right.
fn framed(header: &Value, payload: &[u8]) -> Vec<u8> {
    let header = header.to_string();
    [format!("TWILSOCK V3.0 {}\r\n{header}\r\n", header.len()).as_bytes(), payload].concat()
}

/// Header and payload of a frame of ours.
fn read(frame: &[u8]) -> (Value, Vec<u8>) {
    let text = String::from_utf8(frame.to_vec()).expect("JSON is text");
    let (line, rest) = text.split_once("\r\n").expect("the line ends");
    let length: usize = line.strip_prefix("TWILSOCK V3.0 ").expect(line).parse().expect("a length");
    let (header, payload) = rest.split_at(length);
    let header: Value = serde_json::from_str(header).expect("the header is JSON");
    let payload = payload.strip_prefix("\r\n").expect("the header ends").as_bytes().to_vec();
    assert_eq!(header["payload_size"], payload.len());
    (header, payload)
}

fn bad(bytes: &[u8]) -> &'static str {
    Frame::parse(bytes).expect_err("it cannot be read").0
}

#[test]
fn a_frame_of_the_sdk_is_read() {
    let bytes = b"TWILSOCK V3.0 81\r\n{\"id\":\"TMd8ac91ae-69dc-4d59-ad02-f5d469121144\",\"method\":\"close\",\"payload_size\":0}\r\n";
    let frame = Frame::parse(bytes).expect("it is one");
    assert_eq!(frame.header.id, "TMd8ac91ae-69dc-4d59-ad02-f5d469121144");
    assert_eq!(frame.header.method, "close");
    assert!(frame.payload.is_empty());
    assert!(matches!(frame.header.id, Cow::Borrowed(_)), "nothing is copied");
}

#[test]
fn lengths_are_bytes_of_utf_8() {
    let header =
        json!({"id": "TM\u{e9}\u{1F600}", "method": "message", "payload_size": 7, "token": "\u{e9}"});
    let bytes = framed(&header, "\"\u{e9}\u{e9}\u{e9}\" and more".as_bytes());
    let frame = Frame::parse(&bytes).expect("it is one");
    assert_eq!(frame.header.id, "TM\u{e9}\u{1F600}");
    assert_eq!(frame.header.token().as_deref(), Some("\u{e9}"));
    assert_eq!(&bytes[frame.payload], "\"\u{e9}\u{e9}\u{e9}".as_bytes());
}

#[test]
fn what_cannot_be_read_is_told_apart() {
    let good = framed(&json!({"id": "TM1", "method": "x", "payload_size": 2}), b"{}");
    for end in 0..good.len() {
        assert!(Frame::parse(&good[..end]).is_err(), "cut at {end}");
    }
    assert_eq!(bad(b""), "no frame of version 3.0");
    assert_eq!(bad(b"TWILSOCK V3.1 2\r\n{}\r\n"), "no frame of version 3.0");
    for line in ["", "x", "-1", "+2", "1000000", "99999999999999999999"] {
        assert_eq!(bad(format!("TWILSOCK V3.0 {line}\r\n{{}}\r\n").as_bytes()), "no length of a header");
    }
    assert_eq!(bad(b"TWILSOCK V3.0 999999\r\n{}\r\n"), "the header is too long");
    assert_eq!(bad(b"TWILSOCK V3.0 2 \r\n{}\r\n"), "no header");
    assert_eq!(bad(b"TWILSOCK V3.0 3\r\n{}\r\n"), "the header is longer or shorter");
    assert_eq!(bad(b"TWILSOCK V3.0 5\r\n{}\r\n"), "the header is cut off");
    let unreadable = "the header is not what it must be";
    for header in [
        json!([]),
        json!({}),
        json!({"id": "TM1"}),
        json!({"id": 1, "method": "x"}),
        json!({"id": "TM1", "method": "x", "payload_size": -1}),
        json!({"id": "TM1", "method": "x", "payload_size": "1"}),
        json!({"id": "TM1", "method": "x", "payload_size": 1.5}),
    ] {
        assert_eq!(bad(&framed(&header, b"")), unreadable, "{header}");
    }
    let latin = [&b"TWILSOCK V3.0 26\r\n{\"id\":\"\xE9\",\"method\":\"    \"}\r\n"[..]].concat();
    assert_eq!(latin.len(), 18 + 26 + 2);
    assert_eq!(bad(&latin), unreadable);
    let deep = format!("{{\"id\":\"\",\"method\":\"\",\"a\":{}", "[".repeat(60_000));
    assert_eq!(bad(format!("TWILSOCK V3.0 {}\r\n{deep}\r\n", deep.len()).as_bytes()), unreadable);
    let with = |id: &str, size: usize| json!({"id": id, "method": "x", "payload_size": size});
    assert_eq!(bad(&framed(&with(&"x".repeat(257), 0), b"")), "the id is too long");
    assert_eq!(bad(&framed(&with("TM1", MAX_PAYLOAD + 1), b"")), "the payload is too long");
    assert_eq!(bad(&framed(&with("TM1", usize::MAX), b"")), "the payload is too long");
    assert_eq!(bad(&framed(&with("TM1", 1), b"")), "the payload is cut off");
}

#[test]
fn the_largest_frame_is_read() {
    let token = "x".repeat(MAX_HEADER - 60);
    let header = json!({"id": "", "method": "", "payload_size": MAX_PAYLOAD, "token": token});
    let bytes = framed(&header, &vec![b'x'; MAX_PAYLOAD]);
    assert!(bytes.len() <= MAX_FRAME);
    assert_eq!(Frame::parse(&bytes).expect("it is one").payload.len(), MAX_PAYLOAD);
}

#[test]
fn a_reply_has_two_statuses() {
    let (header, payload) = read(&reply("TM1", &Reply::json(201, &json!({"a": "\u{e9}"}))));
    assert_eq!(
        header,
        json!({
            "method": "reply", "id": "TM1", "status": {"code": 200, "status": "OK"},
            "http_status": {"code": 201, "status": "Created"}, "http_headers": {},
            "payload_type": "application/json;charset=utf-8", "payload_size": 10,
        })
    );
    assert_eq!(payload, "{\"a\":\"\u{e9}\"}".as_bytes());
    let (header, payload) = read(&reply("TM1", &Reply::new(204, Vec::new())));
    assert_eq!((&header["payload_type"], payload.len()), (&Value::Null, 0));
    assert_eq!(header["http_status"]["status"], "No Content");
}

#[test]
fn who_is_refused_is_told_why() {
    let (header, _) = read(&acknowledgement("TM1", Status::refused(&Problem::ACCESS_TOKEN_EXPIRED)));
    assert_eq!(
        header["status"],
        json!({
            "code": 401, "status": "UNAUTHORIZED", "errorCode": 20104,
            "description": "Access Token expired or expiration date invalid",
        })
    );
    let (header, payload) = read(&refusal("TM1", &Problem::parameter("x")));
    assert_eq!((&header["status"]["code"], &header["http_status"]["code"]), (&json!(400), &json!(400)));
    let payload: Value = serde_json::from_slice(&payload).expect("JSON");
    assert_eq!(payload["status"], 400);
}

#[test]
fn a_welcome_grants_what_we_keep() {
    let (header, _) = read(&welcome("TM1", "7"));
    assert_eq!(
        header,
        json!({
            "method": "reply", "id": "TM1", "status": {"code": 200, "status": "OK"}, "continuation_token": "7",
            "continuation_token_status": {"reissued": true, "reissue_reason": "MISSING"},
            "capabilities": ["client_update"], "payload_size": 0,
        })
    );
}

#[test]
fn what_we_begin_has_an_id_of_its_own() {
    let (first, payload) = read(&notification("twilio.sync.event", b"{}"));
    let (second, _) = read(&notification("twilio.sync.event", b"{}"));
    assert_eq!(
        (&first["method"], &first["message_type"]),
        (&json!("notification"), &json!("twilio.sync.event"))
    );
    assert_eq!(payload, b"{}");
    let ids = [&first["id"], &second["id"]].map(|id| id.as_str().expect("text"));
    assert!(ids[0] != ids[1] && ids.iter().all(|id| id.len() == 38 && id.starts_with("TM")), "{ids:?}");
    let (header, _) = read(&token_about_to_expire());
    assert_eq!(
        (&header["method"], &header["client_update_type"]),
        (&json!("client_update"), &json!("token_about_to_expire"))
    );
    let (header, _) = read(&close(&Problem::GONE));
    assert_eq!((&header["method"], &header["status"]["code"]), (&json!("close"), &json!(410)));
}

proptest! {
    #[test]
    fn what_is_framed_is_read(id in "\\PC{0,20}", method in "\\PC{0,20}", payload: Vec<u8>, behind: Vec<u8>) {
        let header = json!({"id": id, "method": method, "payload_size": payload.len(), "other": [{}, null]});
        let bytes = framed(&header, &[&payload[..], &behind].concat());
        let frame = Frame::parse(&bytes).expect("it is one");
        prop_assert_eq!(&*frame.header.id, &id);
        prop_assert_eq!(&*frame.header.method, &method);
        prop_assert_eq!(&bytes[frame.payload], &payload[..]);
    }

    #[test]
    fn junk_harms_nobody(bytes: Vec<u8>) {
        let _ = Frame::parse(&bytes);
        let _ = Frame::parse(&[MAGIC, &bytes].concat());
    }

    #[test]
    fn junk_behind_a_length_harms_nobody(length in 0..40_usize, rest: Vec<u8>) {
        let line = format!("TWILSOCK V3.0 {length}\r\n");
        if let Ok(frame) = Frame::parse(&[line.as_bytes(), &rest].concat()) {
            prop_assert!(frame.payload.end <= line.len() + rest.len());
        }
    }

    /// One bit of a good frame changed.
    #[test]
    fn a_changed_bit_harms_nobody(at in 0..60_usize, bit in 0..8_u32) {
        let mut bytes = framed(&json!({"id": "TM1", "method": "message", "payload_size": 2}), b"{}");
        let at = at % bytes.len();
        bytes[at] ^= 1 << bit;
        let _ = Frame::parse(&bytes);
    }
}
