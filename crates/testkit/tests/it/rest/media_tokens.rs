//! Media by those who have an access token: `X-Twilio-Token`.

use http::Request;
use serde_json::{Value, json};
use testkit::{House, Reply, on_both};

use super::access_tokens::{key, token};
use super::conversation;

const FORM: &str = "--b\r\nContent-Disposition: form-data; name=\"cat.png\"; filename=\"cat.png\"\r\n\
    Content-Type: image/png\r\n\r\na picture\r\n--b--\r\n";

/// One user's way to the default service's files.
struct Client<'a> {
    house: &'a House,
    token: String,
    path: String,
}

impl<'a> Client<'a> {
    async fn new(house: &'a House, key: &(String, String), identity: &str) -> Self {
        let service = house.get("/v1/Configuration").await.field("default_chat_service_sid");
        let token = token(house, key, identity).await;
        Self { house, token, path: format!("/v1/Services/{service}/Media") }
    }

    async fn send(&self, request: http::request::Builder, body: &str) -> Reply {
        self.house.send_as_is(request.header("x-twilio-token", &self.token), body).await
    }

    async fn get(&self, rest: &str) -> Reply {
        self.send(Request::get(format!("{}{rest}", self.path)), "").await
    }

    /// Status alone: what is read may be no JSON.
    async fn status(&self, rest: &str) -> u16 {
        self.get(rest).await.status.as_u16()
    }

    async fn upload(&self, query: &str) -> Reply {
        let request = Request::post(format!("{}{query}", self.path)).header("content-type", "image/png");
        self.send(request, "a picture").await
    }

    async fn set(&self, sids: &[&str]) -> Reply {
        let list: Vec<Value> = sids.iter().map(|sid| json!({"media_sid": sid})).collect();
        let request = Request::post(format!("{}Set", self.path)).header("content-type", "application/json");
        self.send(request, &json!({"command": "get", "list": list}).to_string()).await
    }
}

#[tokio::test]
async fn a_user_uploads_and_is_the_author() {
    on_both(async |house| {
        let key = key(house).await;
        let alice = Client::new(house, &key, "alice").await;
        let raw = alice.upload("?Category=media&Filename=cat.png&Author=bob").await;
        assert_eq!((raw.status.as_u16(), raw.field("author")), (201, "alice".to_owned()));
        assert!(raw.header("content-type").is_some_and(|kind| kind.starts_with("application/json")));
        let request = Request::post(format!("{}?Category=media", alice.path))
            .header("content-type", "multipart/form-data; boundary=b");
        let form = alice.send(request, FORM).await;
        assert_eq!((form.status.as_u16(), form.field("author")), (201, "alice".to_owned()));
        assert_eq!(
            (form.field("filename"), form.field("content_type")),
            ("cat.png".into(), "image/png".into())
        );
        for made in [raw.sid(), form.sid()] {
            let record = alice.get(&format!("/{made}")).await;
            assert!(record.header("content-type").is_some_and(|kind| kind.starts_with("application/json")));
            let links = record.get("links");
            let direct = links["content_direct_temporary"].as_str().expect("a URL");
            let direct = direct.strip_prefix("http://tertulia.test").expect("on the host");
            // By whoever has it, from a page of another origin.
            let request = Request::get(direct).header("origin", "https://app.example");
            let read = house.send_as_is(request, "").await;
            assert_eq!((read.status.as_u16(), &*read.body), (200, &b"a picture"[..]));
            assert_eq!(read.header("access-control-allow-origin"), Some("*"));
            assert_eq!(alice.get(&format!("/{made}/Content")).await.body, b"a picture");
        }
        let set = alice.set(&[&raw.sid(), &form.sid()]).await;
        assert!(set.header("content-type").is_some_and(|kind| kind.starts_with("application/json")));
        assert_eq!(set.json()[1]["media_record"]["sid"], json!(form.sid()));
    })
    .await;
}

#[tokio::test]
async fn a_user_reads_what_is_his_or_his_conversations() {
    on_both(async |house| {
        let key = key(house).await;
        let [alice, bob, eve] = [
            Client::new(house, &key, "alice").await,
            Client::new(house, &key, "bob").await,
            Client::new(house, &key, "eve").await,
        ];
        let mine = alice.upload("").await.sid();
        let one = format!("/{mine}");
        let content = format!("/{mine}/Content");
        assert_eq!((alice.status(&one).await, alice.status(&content).await), (200, 200));
        for other in [&bob, &eve] {
            assert_eq!(other.get(&one).await.code(), "403 20403");
            assert_eq!(other.get(&content).await.code(), "403 20403");
        }

        // In a message, those of the conversation read it.
        let conversation = conversation(house).await;
        for identity in ["alice", "bob"] {
            house.post(&format!("{conversation}/Participants"), &format!("Identity={identity}")).await;
        }
        let message = house.post(&format!("{conversation}/Messages"), &format!("MediaSid={mine}")).await;
        assert_eq!(message.status, 201);
        for (client, expected) in [(&alice, 200), (&bob, 200), (&eve, 403)] {
            assert_eq!((client.status(&one).await, client.status(&content).await), (expected, expected));
        }
        let unattached = bob.upload("").await.sid();
        let missing = format!("ME{}", "9".repeat(32));
        let codes = |set: Reply| {
            let set = set.json();
            let told = set.as_array().expect("a list").iter();
            told.map(|one| (one["code"].clone(), one["media_record"]["sid"].clone())).collect::<Vec<_>>()
        };
        let set = [&*mine, &unattached, &missing];
        let (yes, no) = (json!(200), Value::Null);
        let both = [(yes.clone(), json!(mine)), (yes.clone(), json!(unattached)), (json!(404), no.clone())];
        assert_eq!(codes(bob.set(&set).await), both);
        let first = [(yes, json!(mine)), (json!(403), no.clone()), (json!(404), no.clone())];
        assert_eq!(codes(alice.set(&set).await), first);
        let none = [(json!(403), no.clone()), (json!(403), no.clone()), (json!(404), no)];
        assert_eq!(codes(eve.set(&set).await), none);
        assert_eq!(eve.get(&format!("/{missing}")).await.code(), "404 20404");

        // Whoever leaves reads no more, even his own; whoever joins reads at once.
        house.delete(&format!("{conversation}/Participants/alice")).await;
        house.post(&format!("{conversation}/Participants"), "Identity=eve").await;
        assert_eq!((alice.status(&one).await, eve.status(&one).await), (403, 200));
        house.delete(&conversation).await;
        assert_eq!(house.get(&format!("{}{one}", alice.path)).await.status, 200, "not purged yet");
        for client in [&alice, &bob, &eve] {
            assert_eq!(client.status(&one).await, 403);
        }
    })
    .await;
}

#[tokio::test]
async fn a_token_opens_its_own_service_and_nothing_else() {
    on_both(async |house| {
        let key = key(house).await;
        let alice = Client::new(house, &key, "alice").await;
        let shop = house.post("/v1/Services", "FriendlyName=Shop").await.sid();
        let path = format!("/v1/Services/{shop}/Media");
        let request = || Request::post(&path).header("content-type", "image/png");
        let theirs = house.send(request(), "a picture").await.sid();
        assert_eq!(alice.send(request(), "a picture").await.code(), "403 20403");
        for path in [format!("{path}/{theirs}"), format!("{path}/{theirs}/Content")] {
            assert_eq!(alice.send(Request::get(path), "").await.code(), "403 20403");
        }
        let nowhere = format!("/v1/Services/IS{}/Media/{theirs}", "9".repeat(32));
        assert_eq!(alice.send(Request::get(nowhere), "").await.code(), "403 20403");
        // The API is the account's.
        assert_eq!(alice.send(Request::get("/v1/Conversations"), "").await.code(), "401 20003");
        // A token allows less than the credentials beside it, and so stands above them.
        let uploaded = house
            .send(Request::post(&alice.path).header("content-type", "image/png"), "a picture")
            .await
            .sid();
        let one = format!("{}/{uploaded}", alice.path);
        assert_eq!(house.get(&one).await.status, 200);
        let both = Request::get(&one).header("x-twilio-token", &alice.token);
        assert_eq!(house.send(both, "").await.code(), "403 20403");
    })
    .await;
}

#[tokio::test]
async fn a_token_that_does_not_hold_says_why() {
    on_both(async |house| {
        let key = key(house).await;
        let mut client = Client::new(house, &key, "alice").await;
        let good = client.token.clone();
        let mut other = good.clone();
        other.pop();
        for (token, expected) in [
            ("", "401 20101"),
            ("nonsense", "401 20101"),
            ("\u{e9}", "401 20101"),
            (&other, "401 20107"),
            (&*format!("{good}x"), "401 20107"),
        ] {
            token.clone_into(&mut client.token);
            let refused = client.upload("").await;
            assert_eq!(refused.code(), expected, "{token}");
            // A browser would ask a person for a password.
            assert_eq!(refused.header("www-authenticate"), None);
        }
        let taken_back = super::access_tokens::key(house).await;
        client.token = token(house, &taken_back, "alice").await;
        assert_eq!(client.upload("").await.status, 201);
        house.delete(&format!("/tertulia/v1/Keys/{}", taken_back.0)).await;
        assert_eq!(client.upload("").await.code(), "401 20103");
        client.token.clone_from(&good);
        let one = format!("/{}", client.upload("").await.sid());
        house.clock.advance_seconds(3600);
        for reply in [client.get(&one).await, client.get(&format!("{one}/Content")).await] {
            assert_eq!(reply.code(), "401 20104");
        }
        assert_eq!(client.set(&[]).await.code(), "401 20104");
    })
    .await;
}

#[tokio::test]
async fn pages_of_other_origins_may_show_their_tokens() {
    on_both(async |house| {
        let client = Client::new(house, &key(house).await, "alice").await;
        let request = Request::options(&client.path)
            .header("origin", "https://app.example")
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "content-type,x-twilio-token");
        let asked = house.send_as_is(request, "").await;
        assert_eq!(asked.header("access-control-allow-origin"), Some("*"));
        let allowed = |name: &str, wanted: &str| {
            let list = asked.header(name).expect(name).to_ascii_lowercase();
            assert!(list.split(", ").any(|one| one == wanted), "{list}");
        };
        allowed("access-control-allow-headers", "x-twilio-token");
        allowed("access-control-allow-headers", "content-type");
        allowed("access-control-allow-methods", "get");
        allowed("access-control-allow-methods", "post");
        let refused = Request::get(&client.path).header("origin", "https://app.example");
        let refused = house.send_as_is(refused.header("x-twilio-token", "x"), "").await;
        assert_eq!(refused.header("access-control-allow-origin"), Some("*"), "scripts read why");
    })
    .await;
}
