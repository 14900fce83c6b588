use proptest::prelude::*;
use serde_json::json;

use super::*;

/// Made by hand with another library: of alice, from 1700000000 for an hour, under the secret `secret`.
const KNOWN: &str = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiIsImN0eSI6InR3aWxpby1mcGE7dj0xIn0.\
    eyJqdGkiOiJTSzAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAxLTE3MDAwMDAwMDAiLCJpc3MiOiJTSzAwMDAwMDAwMDAwMDAw\
    MDAwMDAwMDAwMDAwMDAwMDAxIiwic3ViIjoiQUMwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMSIsIm5iZiI6MTcwMDAwMDAw\
    MCwiZXhwIjoxNzAwMDAzNjAwLCJncmFudHMiOnsiaWRlbnRpdHkiOiJhbGljZSIsImNoYXQiOnsic2VydmljZV9zaWQiOiJJUzAwMDAw\
    MDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAxIn19fQ.\
    -gVB9OiOkdUVg93REHQ67y_InNy6lZjCjbP-sOR0Cf0";
const SECRET: &str = "secret";
const BEGIN: i64 = 1_700_000_000;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds * SECOND)
}

fn verified(token: &str, seconds: i64) -> Result<AccessToken, Problem> {
    UnverifiedToken::parse(token)?.verify(SECRET, at(seconds))
}

fn alice() -> AccessToken {
    AccessToken {
        key_sid: "SK00000000000000000000000000000001".to_owned(),
        account_sid: "AC00000000000000000000000000000001".to_owned(),
        issued_at: None,
        not_before: Some(at(BEGIN)),
        expires_at: at(BEGIN + 3600),
        identity: "alice".to_owned(),
        chat: ChatGrant {
            service_sid: "IS00000000000000000000000000000001".to_owned(),
            ..ChatGrant::default()
        },
    }
}

fn header() -> Value {
    json!({"typ": "JWT", "alg": "HS256", "cty": CONTENT_TYPE})
}

fn claims() -> Value {
    json!({
        "jti": "SK1-1", "iss": "SK1", "sub": "AC1", "exp": BEGIN + 60,
        "grants": {"identity": "alice", "chat": {"service_sid": "IS1"}},
    })
}

fn signed(header: &Value, claims: &Value, algorithm: hmac::Algorithm) -> String {
    let encode = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
    let signed =
        format!("{}.{}", encode(header.to_string().as_bytes()), encode(claims.to_string().as_bytes()));
    let signature = hmac::sign(&Key::new(algorithm, SECRET.as_bytes()), signed.as_bytes());
    format!("{signed}.{}", encode(signature.as_ref()))
}

/// The code that a token is refused with, if `change` is made to a good one; 0 if it is good.
fn code_with(change: impl FnOnce(&mut Value, &mut Value)) -> u32 {
    let (mut header, mut claims) = (header(), claims());
    change(&mut header, &mut claims);
    verified(&signed(&header, &claims, HMAC_SHA256), BEGIN).err().map_or(0, |problem| problem.code)
}

#[test]
fn a_token_made_elsewhere_is_read() {
    assert_eq!(verified(KNOWN, BEGIN), Ok(alice()));
    assert_eq!(verified(KNOWN, BEGIN + 3599), Ok(alice()));
}

#[test]
fn what_is_signed_is_read_again() {
    let whole = AccessToken {
        issued_at: Some(at(BEGIN)),
        not_before: None,
        identity: "\u{e9}va \"quoted\"".to_owned(),
        chat: ChatGrant {
            endpoint_id: Some("a phone".to_owned()),
            push_credential_sid: Some("CR1".to_owned()),
            deployment_role_sid: Some("RL1".to_owned()),
            ..alice().chat
        },
        ..alice()
    };
    for token in [alice(), whole] {
        assert_eq!(verified(&token.sign(SECRET), BEGIN), Ok(token));
    }
    let text = alice().sign(SECRET);
    let (header, _) = text.split_once('.').expect("it has parts");
    assert_eq!(header, KNOWN.split_once('.').expect("it has parts").0);
}

#[test]
fn three_algorithms_are_known() {
    for (name, algorithm) in [("HS256", HMAC_SHA256), ("HS384", HMAC_SHA384), ("HS512", HMAC_SHA512)] {
        let mut header = header();
        header["alg"] = json!(name);
        assert!(verified(&signed(&header, &claims(), algorithm), BEGIN).is_ok(), "{name}");
        // The header's word alone does not do.
        if name != "HS256" {
            assert_eq!(
                verified(&signed(&header, &claims(), HMAC_SHA256), BEGIN),
                Err(Problem::INVALID_ACCESS_TOKEN_SIGNATURE)
            );
        }
    }
}

#[test]
fn what_is_no_token_is_invalid() {
    let long = format!("{KNOWN}{}", "x".repeat(LENGTH));
    for text in ["", ".", "..", "a.b", "a.b.c.d", "not a token", &long] {
        let problem = UnverifiedToken::parse(text).err().expect(text);
        assert!(matches!(problem.code, 20101 | 20102), "{text}: {problem}");
    }
    let parts: Vec<&str> = KNOWN.split('.').collect();
    let code = |text: &str| UnverifiedToken::parse(text).err().map_or(0, |problem| problem.code);
    assert_eq!(code(&format!("{}.e30.{}", parts[0], parts[2])), 20103);
    assert_eq!(code(&format!("{}.W10.{}", parts[0], parts[2])), 20101);
    assert_eq!(code(&format!("{}.{}", parts[0], parts[1])), 20101);
    assert_eq!(code(&format!("{KNOWN}.x")), 20101);
    assert_eq!(code(&format!("e30.{}.{}", parts[1], parts[2])), 20102);
}

#[test]
fn a_header_of_another_kind_is_refused() {
    for (name, value) in [
        ("typ", json!("JWS")),
        ("typ", Value::Null),
        ("cty", json!("twilio-fpa;v=2")),
        ("cty", Value::Null),
        ("alg", json!("none")),
        ("alg", json!("None")),
        ("alg", json!("")),
        ("alg", json!("RS256")),
        ("alg", json!("ES256")),
        ("alg", json!("HS1")),
        ("alg", json!("hs256")),
        ("alg", json!(["HS256"])),
        ("crit", json!(["b64"])),
    ] {
        assert_eq!(code_with(|header, _| header[name] = value.clone()), 20102, "{name} {value}");
    }
    for known in [("typ", json!("jwt")), ("twr", json!("ie1")), ("kid", json!("x"))] {
        assert_eq!(code_with(|header, _| header[known.0] = known.1), 0);
    }
    // No signature at all.
    let unsigned = signed(&json!({"typ": "JWT", "alg": "none", "cty": CONTENT_TYPE}), &claims(), HMAC_SHA256);
    let (unsigned, _) = unsigned.rsplit_once('.').expect("it has parts");
    assert_eq!(verified(&format!("{unsigned}."), BEGIN), Err(Problem::INVALID_ACCESS_TOKEN_HEADER));
}

#[test]
fn issuer_and_subject_are_needed() {
    for name in ["iss", "sub"] {
        for value in [Value::Null, json!(""), json!(7)] {
            assert_eq!(code_with(|_, claims| claims[name] = value), 20103, "{name}");
        }
    }
}

#[test]
fn only_the_secret_makes_the_signature() {
    let refused = |token: &str, secret: &str| {
        UnverifiedToken::parse(token).and_then(|token| token.verify(secret, at(BEGIN)))
    };
    let expected = Err(Problem::INVALID_ACCESS_TOKEN_SIGNATURE);
    assert_eq!(refused(KNOWN, "another"), expected);
    assert_eq!(refused(KNOWN, ""), expected);
    let (whole, _) = KNOWN.rsplit_once('.').expect("it has parts");
    for signature in ["", "!", "AAAA", "-gVB9OiOkdUVg93REHQ67y_InNy6lZjCjbP-sOR0Cf1"] {
        assert_eq!(refused(&format!("{whole}.{signature}"), SECRET), expected, "{signature}");
    }
    // Other claims under the same signature.
    let (header, _) = whole.split_once('.').expect("it has parts");
    let (_, signature) = KNOWN.rsplit_once('.').expect("it has parts");
    let other = BASE64_URL_SAFE_NO_PAD.encode(claims().to_string());
    assert_eq!(refused(&format!("{header}.{other}.{signature}"), SECRET), expected);
}

#[test]
fn a_token_is_good_for_its_time() {
    let with = |changes: &[(&str, Value)]| {
        code_with(|_, claims| {
            for (name, value) in changes {
                claims[*name] = value.clone();
            }
        })
    };
    let day = LIFETIME;
    for (changes, code) in [
        // The end is the end.
        (&[("exp", json!(BEGIN + 1))][..], 0),
        (&[("exp", json!(BEGIN))], 20104),
        (&[("exp", json!(BEGIN - 1))], 20104),
        (&[("exp", json!(-1))], 20104),
        (&[("exp", Value::Null)], 20104),
        (&[("exp", json!("1700003600"))], 20104),
        (&[("exp", json!({}))], 20104),
        (&[("exp", json!(1_700_000_060.5))], 0),
        // A day, and a minute for a clock that goes before ours.
        (&[("exp", json!(BEGIN + day + SKEW))], 0),
        (&[("exp", json!(BEGIN + day + SKEW + 1))], 20157),
        (&[("exp", json!(u64::MAX))], 20157),
        (&[("exp", json!(1e300))], 20157),
        (&[("exp", json!(BEGIN + day)), ("iat", json!(BEGIN))], 0),
        (&[("exp", json!(BEGIN + day + 1)), ("iat", json!(BEGIN))], 20157),
        (&[("exp", json!(BEGIN + day + 1)), ("nbf", json!(BEGIN))], 20157),
        (&[("exp", json!(BEGIN + 60)), ("iat", json!(BEGIN - day))], 20157),
        (&[("exp", json!(BEGIN + 60)), ("iat", json!(BEGIN + 60 - day))], 0),
        (&[("exp", json!(BEGIN + 2 * day)), ("iat", json!(BEGIN + day))], 20157),
        (&[("iat", json!("now"))], 20104),
        // A minute's grace for the beginning too.
        (&[("nbf", json!(BEGIN + SKEW))], 0),
        (&[("nbf", json!(BEGIN + SKEW + 1)), ("exp", json!(BEGIN + 3600))], 20105),
        (&[("nbf", json!(i64::MAX))], 20105),
        (&[("nbf", json!(i64::MIN))], 20157),
    ] {
        assert_eq!(with(changes), code, "{changes:?}");
    }
}

#[test]
fn grants_name_a_user_and_a_service() {
    for (path, value) in [
        ("/grants", json!("alice")),
        ("/grants", Value::Null),
        ("/grants/identity", Value::Null),
        ("/grants/identity", json!("")),
        ("/grants/identity", json!(7)),
        ("/grants/identity", json!("a\0b")),
        ("/grants/chat", Value::Null),
        ("/grants/chat", json!("IS1")),
        ("/grants/chat", json!({})),
        ("/grants/chat/service_sid", json!("")),
        ("/grants/chat/service_sid", json!(["IS1"])),
        ("/grants/chat", json!({"service_sid": "IS1", "push_credential_sid": 7})),
    ] {
        let code = code_with(|_, claims| *claims.pointer_mut(path).expect("it is there") = value.clone());
        assert_eq!(code, 20106, "{path} {value}");
    }
    let empty = json!({"service_sid": "IS1", "endpoint_id": null, "push_credential_sid": "", "other": {}});
    assert_eq!(code_with(|_, claims| claims["grants"]["chat"] = empty), 0);
    let old = json!({"identity": "alice", "ip_messaging": {"service_sid": "IS1"}, "video": {"room": "x"}});
    assert_eq!(code_with(|_, claims| claims["grants"] = old), 0);
}

proptest! {
    #[test]
    fn junk_is_refused(text: String) {
        prop_assert!(verified(&text, BEGIN).is_err());
    }

    #[test]
    fn junk_in_three_parts_is_refused(parts in prop::array::uniform3("[A-Za-z0-9_=-]{0,60}")) {
        prop_assert!(verified(&parts.join("."), BEGIN).is_err());
    }

    /// What is signed and yet nonsense, as a program with a key might make it.
    #[test]
    fn nonsense_under_a_good_signature_harms_nobody(
        header in "\\PC{0,40}", claims in "\\PC{0,80}", exp: f64, nbf: i64,
    ) {
        let encode = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
        let _ = verified(&format!("{}.{}.x", encode(&header), encode(&claims)), BEGIN);
        let _ = code_with(|_, claims| {
            claims["exp"] = json!(exp);
            claims["nbf"] = json!(nbf);
        });
    }

    #[test]
    fn one_changed_letter_is_refused(at in 0..KNOWN.len(), letter in "[A-Za-z0-9_-]") {
        let mut text = KNOWN.to_owned();
        text.replace_range(at..=at, &letter);
        prop_assert_eq!(verified(&text, BEGIN).is_ok(), text == KNOWN);
    }
}
