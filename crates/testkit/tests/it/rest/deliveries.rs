//! Deliveries to webhooks in the administration: listed, looked at, sent again, pruned, and endpoints tested.

use conversations::accounts::{self, CreateAccount};
use conversations::{Failure, Vault};
use server::Settings;
use store::{Roots, StoreError};
use testkit::{AUTH_TOKEN, House, Received, Receiver, Reply, heard, on_both_with, webhooks_inside};
use wire::{Form, signature, signed_text};

use super::{conversation, page};

const LIST: &str = "/tertulia/v1/Webhooks/Deliveries";
const TEST: &str = "/tertulia/v1/Webhooks/Test";
const ADMIN: &str = "the-admin-token";
/// In the webhook's URL; nobody may find it anywhere.
const PASSWORD: &str = "canary-password";

fn settings() -> Settings {
    Settings { webhooks: webhooks_inside(), admin_tokens: vec![ADMIN.to_owned()], ..Settings::default() }
}

/// Lets the account's webhook listen to messages, and answers with a conversation.
async fn listen(house: &House, receiver: &Receiver, fragment: &str) -> String {
    let url = receiver.url().replace("http://", &format!("http://canary-user:{PASSWORD}@"));
    let url: String = form_urlencoded::byte_serialize(format!("{url}{fragment}").as_bytes()).collect();
    let form = format!("PostWebhookUrl={url}&Filters=onMessageAdded&Filters=onMessageRemoved");
    assert_eq!(house.post("/v1/Configuration/Webhooks", &form).await.code(), "200");
    conversation(house).await
}

/// A message that webhooks hear of; its path.
async fn say(house: &House, path: &str, body: &str) -> String {
    let said = house.post_heard(&format!("{path}/Messages"), &format!("Body={body}")).await;
    format!("{path}/Messages/{}", said.sid())
}

async fn as_admin(house: &House, path: &str) -> Reply {
    let request = http::Request::get(path).header("authorization", format!("Bearer {ADMIN}"));
    house.send_as_is(request, "").await
}

fn deliveries(reply: &Reply) -> Vec<serde_json::Value> {
    reply.get("deliveries").as_array().expect("a list").clone()
}

/// The statuses of the account's deliveries, newest first.
async fn statuses(house: &House) -> Vec<String> {
    let listed = house.get(LIST).await;
    deliveries(&listed).iter().map(|one| one["status"].as_str().expect("text").to_owned()).collect()
}

fn token(received: &Received) -> String {
    received.headers["i-twilio-idempotency-token"].to_str().expect("text").to_owned()
}

fn number(row: &mut store::Row<'_>) -> Result<i64, StoreError> {
    row.next()
}

#[tokio::test]
async fn a_delivery_is_listed_and_shown_whole_without_secrets() {
    let receiver = Receiver::start().await;
    on_both_with(settings(), async |house| {
        let path = listen(house, &receiver, "").await;
        say(house, &path, "hello").await;
        let waiting = house.get(LIST).await;
        assert_eq!(deliveries(&waiting)[0]["status"], "waiting");
        assert_eq!(deliveries(&waiting)[0]["date_next_try"], "2026-01-01T00:00:00Z");
        receiver.answer(503, "try later");
        house.deliver().await;
        let told = receiver.take().remove(0);
        let listed = house.get(LIST).await;
        let one = deliveries(&listed).remove(0);
        for (name, expected) in [
            ("event_type", "onMessageAdded"),
            ("target", "account"),
            ("target_sid", testkit::ACCOUNT_SID),
            ("webhook_url", &receiver.url()),
            ("method", "POST"),
            ("status", "dead"),
            ("date_created", "2026-01-01T00:00:00Z"),
            ("date_last_try", "2026-01-01T00:00:00Z"),
        ] {
            assert_eq!(one[name], expected, "{name} of {one}");
        }
        assert!(path.ends_with(one["conversation_sid"].as_str().expect("text")));
        assert_eq!((one["tries"].as_i64(), one["last_status"].as_i64()), (Some(1), Some(503)));
        assert!(one["date_next_try"].is_null() && one["last_error"].is_null());

        let sid = one["sid"].as_str().expect("text");
        let whole = house.get(&format!("{LIST}/{sid}")).await;
        assert_eq!(whole.field("idempotency_token"), token(&told));
        assert_eq!(whole.get("parameters")["Body"], "hello");
        assert_eq!(whole.get("parameters")["RetryCount"], "0");
        let attempt = whole.get("attempts")[0].clone();
        assert_eq!(
            (attempt["status"].as_i64(), attempt["response_body"].as_str()),
            (Some(503), Some("try later"))
        );
        let pairs = told.pairs();
        let text =
            signed_text(&receiver.url(), pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        assert_eq!(attempt["signed"], text.as_str());
        let header = |name: &str| {
            let headers = attempt["request_headers"].as_array().expect("a list");
            headers.iter().find(|pair| pair[0] == name).map(|pair| pair[1].clone())
        };
        assert_eq!(header("x-twilio-signature"), Some(signature(AUTH_TOKEN, &text).into()));
        assert_eq!(header("authorization"), Some("(hidden)".into()));

        // The endpoint was given the password, and nobody else finds it.
        let authorization = told.headers["authorization"].to_str().expect("text").to_owned();
        let encoded = authorization.trim_start_matches("Basic ");
        for shown in [&listed, &whole, &as_admin(house, LIST).await] {
            let shown = String::from_utf8_lossy(&shown.body).into_owned();
            for secret in [PASSWORD, "canary-user", encoded, AUTH_TOKEN, ADMIN] {
                assert!(!shown.contains(secret), "{secret} in {shown}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_list_is_narrowed_and_paged() {
    let receiver = Receiver::start().await;
    on_both_with(settings(), async |house| {
        let path = listen(house, &receiver, "").await;
        let other = conversation(house).await;
        let webhook = format!(
            "Target=webhook&Configuration.Url={}&Configuration.Filters=onMessageAdded",
            receiver.url()
        );
        let webhook = house.post(&format!("{other}/Webhooks"), &webhook).await.sid();
        let message = say(house, &path, "one").await;
        house.deliver().await;
        receiver.answer(404, "");
        say(house, &path, "two").await;
        house.deliver().await;
        house.send(heard(http::Request::delete(&message)), "").await;
        say(house, &other, "three").await;
        let sid = |path: &str| path.rsplit('/').next().expect("it ends with a sid").to_owned();
        for (query, expected) in [
            (String::new(), 5),
            ("?Status=dead".to_owned(), 1),
            ("?Status=Waiting".to_owned(), 3),
            ("?EventType=onMessageRemoved".to_owned(), 1),
            (format!("?ConversationSid={}", sid(&other)), 2),
            (format!("?ConversationSid={}&Target=webhook", sid(&other)), 1),
            (format!("?Target={webhook}"), 1),
            (format!("?Target={}", testkit::ACCOUNT_SID), 4),
            ("?Target=service".to_owned(), 0),
            (
                format!(
                    "?Target=account&Status=waiting&EventType=onMessageAdded&ConversationSid={}",
                    sid(&other)
                ),
                1,
            ),
        ] {
            assert_eq!(deliveries(&house.get(&format!("{LIST}{query}")).await).len(), expected, "{query}");
        }
        for wrong in ["Status=gone", "EventType=onMessageAdd", "Target=x", "ConversationSid=x", "PageToken=x"]
        {
            assert_eq!(house.get(&format!("{LIST}?{wrong}")).await.status, 400, "{wrong}");
        }
        let mut sids = Vec::new();
        let mut next = Some(format!("{LIST}?Target=account&PageSize=3"));
        while let Some(path) = next {
            let reply = house.get(&path).await;
            sids.extend(deliveries(&reply).iter().map(|one| one["sid"].to_string()));
            next = page(&reply, "next_page_url");
        }
        assert_eq!(sids.len(), 4);
        assert!(sids.is_sorted_by(|one, next| one > next), "newest first");
    })
    .await;
}

#[tokio::test]
async fn what_was_given_up_is_sent_again_under_its_token() {
    let receiver = Receiver::start().await;
    on_both_with(settings(), async |house| {
        let path = listen(house, &receiver, "").await;
        receiver.answer(500, "");
        say(house, &path, "one").await;
        house.deliver().await;
        let first = receiver.take().remove(0);
        let sid = deliveries(&house.get(LIST).await)[0]["sid"].as_str().expect("text").to_owned();
        let again = format!("{LIST}/{sid}/Replay");
        let replayed = house.post(&again, "").await;
        assert_eq!((replayed.code().as_str(), replayed.field("status").as_str()), ("200", "waiting"));
        assert_eq!(house.post(&again, "").await.code(), "409 20409", "it is on its way");
        house.deliver().await;
        let second = receiver.take().remove(0);
        assert_eq!((token(&second), second.get("RetryCount").as_deref()), (token(&first), Some("1")));
        let whole = house.get(&format!("{LIST}/{sid}")).await;
        assert_eq!((whole.field("status"), whole.get("tries")), ("delivered".to_owned(), 2.into()));
        assert_eq!(whole.get("attempts").as_array().map(Vec::len), Some(2));
        // What arrived may be sent again as well.
        assert_eq!(house.post(&again, "").await.code(), "200");
        house.deliver().await;
        assert_eq!(receiver.take().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn all_that_was_given_up_is_sent_again_in_its_order() {
    let receiver = Receiver::start().await;
    on_both_with(settings(), async |house| {
        let path = listen(house, &receiver, "").await;
        let other = conversation(house).await;
        for number in 0..4 {
            receiver.answer(500, "");
            say(house, if number == 3 { &other } else { &path }, &number.to_string()).await;
            house.deliver().await;
        }
        say(house, &path, "arrives").await;
        house.deliver().await;
        receiver.take();
        let sid = path.rsplit('/').next().expect("it ends with a sid");
        let replay = format!("{LIST}/Replay");
        let answer = house.post(&replay, &format!("ConversationSid={sid}")).await;
        assert_eq!(answer.json(), serde_json::json!({"replayed": 3, "after": null}));
        house.deliver().await;
        let bodies: Vec<_> = receiver.take().iter().filter_map(|received| received.get("Body")).collect();
        assert_eq!(bodies, ["0", "1", "2"]);
        assert_eq!(house.post(&replay, "").await.get("replayed"), 1);
        assert_eq!(house.post(&replay, "").await.get("replayed"), 0, "it is on its way");
        assert_eq!(house.post(&replay, "Status=delivered").await.code(), "400 20001");
        house.deliver().await;
        assert!(statuses(house).await.iter().all(|status| status == "delivered"));
    })
    .await;
}

#[tokio::test]
async fn one_that_was_replayed_does_not_wait_for_one_behind_it() {
    let receiver = Receiver::start().await;
    on_both_with(settings(), async |house| {
        let path = listen(house, &receiver, "").await;
        receiver.answer(500, "");
        say(house, &path, "old").await;
        house.deliver().await;
        // From now on what fails is tried again.
        listen(house, &receiver, "#rc=3&rp=all").await;
        receiver.answer(500, "");
        say(house, &path, "new").await;
        house.deliver().await;
        assert_eq!(statuses(house).await, ["waiting", "dead"]);
        receiver.take();
        assert_eq!(house.post(&format!("{LIST}/Replay"), "").await.get("replayed"), 1);
        house.deliver().await;
        assert_eq!(
            receiver.take().iter().filter_map(|received| received.get("Body")).collect::<Vec<_>>(),
            ["old"]
        );
        assert_eq!(statuses(house).await, ["waiting", "delivered"]);
        house.clock.advance_seconds(60);
        house.deliver().await;
        assert_eq!(statuses(house).await, ["delivered", "delivered"]);
    })
    .await;
}

#[tokio::test]
async fn who_has_no_flow_engine_cannot_be_told_again() {
    let receiver = Receiver::start().await;
    on_both_with(settings(), async |house| {
        let path = conversation(house).await;
        let form = "Target=studio&Configuration.FlowSid=FW00000000000000000000000000000001";
        house.post(&format!("{path}/Webhooks"), form).await;
        say(house, &path, "hello").await;
        let one = deliveries(&house.get(LIST).await).remove(0);
        assert_eq!((one["status"].as_str(), one["webhook_url"].is_null()), (Some("dead"), true));
        assert!(one["last_error"].as_str().is_some_and(|error| error.contains("flow engine")));
        let again = format!("{LIST}/{}/Replay", one["sid"].as_str().expect("text"));
        assert_eq!(house.post(&again, "").await.code(), "409 20409");
        assert_eq!(house.post(&format!("{LIST}/Replay"), "").await.get("replayed"), 0);
        house.deliver().await;
        assert!(receiver.take().is_empty());
    })
    .await;
}

#[tokio::test]
async fn an_account_sees_its_own_and_the_servers_token_all() {
    let receiver = Receiver::start().await;
    on_both_with(settings(), async |house| {
        let path = listen(house, &receiver, "").await;
        say(house, &path, "hello").await;
        let sid = deliveries(&house.get(LIST).await)[0]["sid"].as_str().expect("text").to_owned();
        let ids = std::sync::Arc::clone(&house.ids);
        let form = CreateAccount { auth_token: Some("other".to_owned()), ..CreateAccount::default() };
        let create = move |tx: &mut store::Tx<'_>| accounts::create(tx, &*ids, &Vault::new(&[7; 32]), &form);
        let made = house.app.store().write::<_, Failure>(Roots::none(), create).await.expect("it is made");
        let other = made.account.sid;
        let credentials = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, format!("{other}:other"));
        let as_other = async |request: http::request::Builder| {
            house.send_as_is(request.header("authorization", format!("Basic {credentials}")), "").await
        };
        assert!(deliveries(&as_other(http::Request::get(LIST)).await).is_empty());
        assert_eq!(as_other(http::Request::get(format!("{LIST}/{sid}"))).await.code(), "404 20404");
        assert_eq!(as_other(http::Request::post(format!("{LIST}/{sid}/Replay"))).await.code(), "404 20404");
        assert_eq!(as_other(http::Request::post(format!("{LIST}/Replay"))).await.get("replayed"), 0);
        assert_eq!(deliveries(&as_admin(house, LIST).await).len(), 1);
        assert_eq!(as_admin(house, &format!("{LIST}/{sid}")).await.code(), "200");
        let of = |account: &str| format!("{LIST}?AccountSid={account}");
        assert_eq!(deliveries(&as_admin(house, &of(testkit::ACCOUNT_SID)).await).len(), 1);
        assert!(deliveries(&as_admin(house, &of(&other.to_string())).await).is_empty());
        assert_eq!(as_admin(house, &format!("{LIST}/{sid}?AccountSid={other}")).await.code(), "404 20404");
        assert_eq!(house.send_as_is(http::Request::get(LIST), "").await.status, 401);
        for nobody in ["WD1", "WDffffffffffffffffffffffffffffffff", "WD00000000000000000000000000ffffff"] {
            assert_eq!(house.get(&format!("{LIST}/{nobody}")).await.code(), "404 20404");
        }
    })
    .await;
}

#[tokio::test]
async fn a_filter_that_finds_little_reads_no_more_than_others() {
    let receiver = Receiver::start().await;
    on_both_with(settings(), async |house| {
        let path = listen(house, &receiver, "").await;
        receiver.answer(500, "");
        say(house, &path, "old").await;
        house.deliver().await;
        receiver.take();
        // 8191 that arrived after it.
        let double = |tx: &mut store::Tx<'_>| {
            const DOUBLE: &str = "INSERT INTO deliveries (account_sid, event_sid, lane, url, method, status, \
                 tries, due, log, date_created) SELECT account_sid, event_sid, lane, url, method, 1, tries, due, \
                 log, date_created FROM deliveries";
            (0..13).try_for_each(|_| tx.execute(DOUBLE, &[]).map(|_| ()))
        };
        house.app.store().write::<_, StoreError>(Roots::none(), double).await.expect("the store writes");
        let first = house.get(&format!("{LIST}?Status=dead")).await;
        assert!(deliveries(&first).is_empty());
        let next = house.get(&page(&first, "next_page_url").expect("there is more to look at")).await;
        assert_eq!((deliveries(&next).len(), page(&next, "next_page_url")), (1, None));
        let one = deliveries(&next)[0]["sid"].as_str().expect("text").to_owned();
        assert_eq!(house.post(&format!("{LIST}/Replay"), "").await.json()["replayed"], 1);
        house.deliver().await;
        assert_eq!(receiver.take().len(), 1);
        // Nobody makes the log of one grow without end.
        let tire = |tx: &mut store::Tx<'_>| tx.execute("UPDATE deliveries SET tries = 100", &[]);
        house.app.store().write::<_, StoreError>(Roots::none(), tire).await.expect("the store writes");
        assert_eq!(house.post(&format!("{LIST}/{one}/Replay"), "").await.code(), "409 20409");
    })
    .await;
}

#[tokio::test]
async fn what_is_done_goes_after_its_time_and_what_waits_stays() {
    let receiver = Receiver::start().await;
    on_both_with(settings(), async |house| {
        let count = async |sql: &'static str| {
            let read = move |tx: &mut store::Tx<'_>| {
                Ok::<_, StoreError>(tx.row(sql, &[], number)?.expect("a count"))
            };
            house.app.store().read(read).await.expect("the store reads")
        };
        let path = listen(house, &receiver, "").await;
        say(house, &path, "arrives").await;
        house.deliver().await;
        receiver.answer(500, "");
        say(house, &path, "dies").await;
        house.deliver().await;
        house.clock.advance_seconds(24 * 3600 - 60);
        say(house, &path, "waits").await;
        house.keep_house().await;
        assert_eq!(count("SELECT COUNT(*) FROM deliveries").await, 3, "none is old yet");
        house.clock.advance_seconds(61);
        house.keep_house().await;
        assert_eq!(statuses(house).await, ["waiting"]);
        house.clock.advance_seconds(48 * 3600);
        house.keep_house().await;
        assert_eq!(statuses(house).await, ["waiting"], "however old it is");
        house.deliver().await;
        assert_eq!(
            receiver.take().last().and_then(|received| received.get("Body")).as_deref(),
            Some("waits")
        );
        house.keep_house().await;
        assert!(statuses(house).await.is_empty());
        // Events go a little later than what needs them.
        say(house, &path, "last").await;
        house.clock.advance_seconds(24 * 3600 + 120);
        house.keep_house().await;
        assert_eq!(count("SELECT COUNT(*) FROM events").await, 1, "{:?}", house.engine);
        house.deliver().await;
        house.keep_house().await;
        assert_eq!(count("SELECT COUNT(*) FROM deliveries").await, 0);
    })
    .await;
}

#[tokio::test]
async fn an_endpoint_is_tested() {
    let receiver = Receiver::start().await;
    on_both_with(settings(), async |house| {
        let url = receiver.url();
        for status in [200, 403, 200, 200, 204, 200, 200] {
            receiver.answer(status, "seen");
        }
        let report = house.post(TEST, &format!("Url={}", url.replace("http://", "http://u:canary@"))).await;
        assert_eq!(report.get("is_good"), true, "{}", report.text());
        assert!(!report.text().contains("canary") && !report.text().contains(AUTH_TOKEN));
        let told = receiver.take();
        let is_signed = |one: &Received| {
            let form = Form::parse(&one.body).expect("a form");
            let signature = signature(AUTH_TOKEN, &signed_text(&url, form.pairs()));
            one.headers["x-twilio-signature"].to_str().expect("text") == signature
        };
        let seen: Vec<_> =
            told.iter().map(|one| (is_signed(one), one.get("Index").expect("an index"))).collect();
        let expected =
            [(true, "0"), (false, "0"), (true, "1"), (true, "1"), (true, "3"), (true, "2"), (true, "4")];
        assert_eq!(seen, expected.map(|(is_signed, index)| (is_signed, index.to_owned())));
        assert_eq!(token(&told[2]), token(&told[3]));
        assert_ne!(token(&told[4]), token(&told[5]));
        let cases = report.get("cases");
        assert_eq!(cases[4]["case"], "slow");
        assert!(cases[4]["requests"][0]["milliseconds"].as_u64().is_some_and(|spent| spent >= 1_500));

        // Who takes everything is told which mistake that is.
        let report = house.post(TEST, &format!("Url={url}&Method=GET")).await;
        let good: Vec<_> = report
            .get("cases")
            .as_array()
            .expect("a list")
            .iter()
            .map(|case| case["is_good"].clone())
            .collect();
        assert_eq!(good, [true, false, true, true, true]);
        assert_eq!(report.get("is_good"), false);
        receiver.take();
        assert!(deliveries(&house.get(LIST).await).is_empty(), "nothing of it is kept");
    })
    .await;
}

#[tokio::test]
async fn an_endpoint_that_is_inside_or_nowhere_is_not_tested() {
    on_both_with(Settings::default(), async |house| {
        let report = house.post(TEST, "Url=http://127.0.0.1:1/").await;
        assert_eq!(report.get("cases").as_array().map(Vec::len), Some(1), "{}", report.text());
        let error = report.get("cases")[0]["requests"][0]["error"].clone();
        assert!(error.as_str().is_some_and(|error| error.contains("private")), "{error}");
        for wrong in
            ["", "Url=", "Url=nowhere", "Url=ftp://example.com", "Url=http://example.com/&Method=PUT"]
        {
            assert_eq!(house.post(TEST, wrong).await.status, 400, "{wrong}");
        }
        assert_eq!(house.get(TEST).await.status, 405);
    })
    .await;
}
