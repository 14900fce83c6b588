//! `/v1/Credentials`: what push notifications are sent with. Keys go in and never come out.

use conversations::Vault;
use conversations::push_credentials::{self, Keys};
use insta::assert_snapshot;
use store::StoreError;
use testkit::{ACCOUNT_SID, House, on_both, on_both_with};
use wire::Sid;

use super::codes;

const LIST: &str = "/v1/Credentials";

#[tokio::test]
async fn no_answer_shows_a_key() {
    let told = on_both(async |house| {
        let form = "Type=apn&FriendlyName=Phones&Certificate=the-certificate&PrivateKey=the-key&Sandbox=true";
        let made = house.post(LIST, form).await;
        house.note(made.text());
        let path = format!("{LIST}/{}", made.sid());
        assert_eq!(house.get(&path).await.json(), made.json());
        house.note(house.get(LIST).await.text());
        assert_eq!(house.delete(&path).await.code(), "204");
        for code in [
            house.get(&path).await.code(),
            house.post(&path, "FriendlyName=x").await.code(),
            // What is not there is told before what is wrong with the form.
            house.post(&path, "FriendlyName=").await.code(),
            house.delete(&path).await.code(),
            house.get(&format!("{LIST}/Phones")).await.code(),
        ] {
            assert_eq!(code, "404 20404");
        }
    })
    .await;
    assert_snapshot!(told, @r#"
    201 Created
    {
      "account_sid": "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      "date_created": "2026-01-01T00:00:00Z",
      "date_updated": "2026-01-01T00:00:00Z",
      "friendly_name": "Phones",
      "sandbox": "True",
      "sid": "CR00000000000000000000000000000009",
      "type": "apn",
      "url": "http://tertulia.test/v1/Credentials/CR00000000000000000000000000000009"
    }

    200 OK
    {
      "credentials": [
        {
          "account_sid": "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
          "date_created": "2026-01-01T00:00:00Z",
          "date_updated": "2026-01-01T00:00:00Z",
          "friendly_name": "Phones",
          "sandbox": "True",
          "sid": "CR00000000000000000000000000000009",
          "type": "apn",
          "url": "http://tertulia.test/v1/Credentials/CR00000000000000000000000000000009"
        }
      ],
      "meta": {
        "first_page_url": "http://tertulia.test/v1/Credentials?PageSize=50&Page=0",
        "key": "credentials",
        "next_page_url": null,
        "page": 0,
        "page_size": 50,
        "previous_page_url": null,
        "url": "http://tertulia.test/v1/Credentials?PageSize=50&Page=0"
      }
    }
    "#);
}

#[tokio::test]
async fn a_type_is_taken_in_any_case_and_only_apple_has_a_sandbox() {
    let told = on_both(async |house| {
        for form in
            ["Type=GcM&ApiKey=a", "Type=FCM&Secret=s&Sandbox=true", "Type=apn", "Type=Apn&Sandbox=TRUE"]
        {
            let made = house.post(LIST, form).await;
            let shown = ["type", "sandbox", "friendly_name"].map(|name| made.get(name).to_string());
            house.note(format!("{form} -> {} {}", made.code(), shown.join(" ")));
        }
    })
    .await;
    assert_snapshot!(told, @r#"
    Type=GcM&ApiKey=a -> 201 "gcm" "False" null

    Type=FCM&Secret=s&Sandbox=true -> 201 "fcm" "False" null

    Type=apn -> 201 "apn" "False" null

    Type=Apn&Sandbox=TRUE -> 201 "apn" "True" null
    "#);
}

#[tokio::test]
async fn an_update_changes_what_is_given() {
    let told = on_both(async |house| {
        let made =
            house.post(LIST, "Type=apn&FriendlyName=Phones&Sandbox=true&Certificate=c&PrivateKey=p").await;
        let path = format!("{LIST}/{}", made.sid());
        house.clock.advance_seconds(60);
        assert_eq!(house.post(&path, "").await.json(), made.json());
        assert_eq!(house.post(&path, "Secret=&Unknown=x").await.json(), made.json());
        house.note(house.post(&path, "FriendlyName=Telephones&Certificate=d").await.text());
        assert_eq!(keys(house, &made.sid()).await, [Some("d"), Some("p"), None, None].map(text));
        let updated = house.post(&path, "Type=fcm&ApiKey=a&Secret=s").await;
        assert_eq!((updated.field("type"), updated.field("sandbox")), ("fcm".to_owned(), "False".to_owned()));
        assert_eq!(keys(house, &made.sid()).await, [None, None, None, Some("s")].map(text));
    })
    .await;
    assert_snapshot!(told, @r#"
    200 OK
    {
      "account_sid": "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      "date_created": "2026-01-01T00:00:00Z",
      "date_updated": "2026-01-01T00:01:00Z",
      "friendly_name": "Telephones",
      "sandbox": "True",
      "sid": "CR00000000000000000000000000000009",
      "type": "apn",
      "url": "http://tertulia.test/v1/Credentials/CR00000000000000000000000000000009"
    }
    "#);
}

fn text(text: Option<&str>) -> Option<String> {
    text.map(str::to_owned)
}

/// What whoever sends a notification would open.
async fn keys(house: &House, sid: &str) -> [Option<String>; 4] {
    let sid = Sid::parse(sid).expect("it is one");
    let account = Sid::parse(ACCOUNT_SID).expect("it is one");
    let find = move |tx: &mut store::Tx<'_>| push_credentials::find(tx, account, sid);
    let credential = house.app.store().read(find).await.expect("the store reads").expect("it is there");
    let Keys { certificate, private_key, api_key, secret } = credential.keys(&Vault::new(&[7; 32]));
    [certificate, private_key, api_key, secret]
}

fn sealed(row: &mut store::Row<'_>) -> Result<Vec<u8>, StoreError> {
    row.next()
}

#[tokio::test]
async fn keys_lie_sealed_in_the_database() {
    on_both(async |house| {
        let parts = [("apn", "Certificate"), ("apn", "PrivateKey"), ("gcm", "ApiKey"), ("fcm", "Secret")];
        for (of, name) in parts {
            let made = house.post(LIST, &format!("Type={of}&{name}=hush-hush")).await;
            assert_eq!(made.code(), "201");
        }
        let stored = |tx: &mut store::Tx<'_>| {
            let mut all = Vec::new();
            for column in ["certificate", "private_key", "api_key", "secret"] {
                let sql = format!("SELECT {column} FROM push_credentials WHERE {column} IS NOT NULL");
                all.append(&mut tx.rows(&sql, &[], sealed)?);
            }
            Ok::<_, StoreError>(all)
        };
        let stored = house.app.store().read(stored).await.expect("the store reads");
        assert_eq!(stored.len(), 4);
        for sealed in stored {
            assert!(!sealed.windows(4).any(|window| window == b"hush"));
        }
    })
    .await;
}

#[tokio::test]
async fn what_is_wrong_has_its_code() {
    let told = on_both(async |house| {
        let long = format!("Type=apn&FriendlyName={}", "f".repeat(65));
        let forms = [
            "",
            "Type=",
            "Type=twilsock",
            "Type=apn&FriendlyName=",
            "Type=apn&Sandbox=perhaps",
            &long,
            "Type=apn&FriendlyName=\u{fc}",
        ];
        house.note(codes(house, &forms.map(|form| (LIST.to_owned(), form))).await);
        let path = format!("{LIST}/{}", house.post(LIST, "Type=apn").await.sid());
        let forms = ["Type=", "Type=mail", "FriendlyName=", "Sandbox=1"];
        house.note(codes(house, &forms.map(|form| (path.clone(), form))).await);
        assert_eq!(
            house.get("/v1/Services/IS00000000000000000000000000000001/Credentials").await.code(),
            "404 20404"
        );
    })
    .await;
    assert_snapshot!(told, @"
     -> 400 20001
    Type= -> 400 20001
    Type=twilsock -> 400 20001
    Type=apn&FriendlyName= -> 400 20002
    Type=apn&Sandbox=perhaps -> 400 20001
    Type=apn&FriendlyName=fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff -> 400 20002
    Type=apn&FriendlyName=ü -> 201

    Type= -> 400 20001
    Type=mail -> 400 20001
    FriendlyName= -> 400 20002
    Sandbox=1 -> 400 20001
    ");
}

#[tokio::test]
async fn without_limits_a_name_may_be_long() {
    let lenient = server::Settings { limits: conversations::Limits::Lenient, ..server::Settings::default() };
    on_both_with(lenient, async |house| {
        let long = format!("Type=apn&FriendlyName={}", "f".repeat(65));
        assert_eq!(house.post(LIST, &long).await.code(), "201");
    })
    .await;
}

#[tokio::test]
async fn they_are_listed_as_they_were_made() {
    on_both(async |house| {
        let mut made = Vec::new();
        for _ in 0..5 {
            made.push(house.post(LIST, "Type=apn").await.sid());
            house.clock.advance_seconds(1);
        }
        let mut listed = Vec::new();
        let mut next = Some(format!("{LIST}?PageSize=2"));
        while let Some(path) = next {
            let page = house.get(&path).await;
            let items = page.get("credentials");
            listed.extend(items.as_array().expect("a list").iter().map(|one| one["sid"].clone()));
            let url = page.get("meta")["next_page_url"].clone();
            next = url.as_str().map(|url| url.replace("http://tertulia.test", ""));
        }
        assert_eq!(serde_json::json!(made), serde_json::json!(listed));
    })
    .await;
}
