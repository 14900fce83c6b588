//! Webhooks that lead inside: each is refused, and its log says so.

use store::StoreError;
use testkit::{House, on_both};
use wire::Timestamp;

use super::conversation;

/// Ways to write an address that is nobody's business, and names for such.
const INSIDE: [&str; 50] = [
    "http://127.0.0.1/",
    "http://127.0.0.1./",
    "http://127.1/",
    "http://127.0.1:8080/",
    "http://127.255.255.254/",
    "http://2130706433/",
    "http://017700000001/",
    "http://0x7f000001/",
    "http://0x7F.1/",
    "http://0177.0.0.1/",
    "http://0177.0x0.0.1./",
    "http://%31%32%37.0.0.1/",
    "http://127%2e0%2e0%2e1/",
    "http://\u{ff11}\u{ff12}\u{ff17}.0.0.1/",
    "http://\u{2460}\u{2461}\u{2466}.\u{24ea}.\u{24ea}.\u{2460}/",
    "http://127\u{3002}0\u{3002}0\u{ff0e}1/",
    "http://0/",
    "http://0.0.0.0/",
    "http://10.0.0.1/",
    "http://10.1/",
    "http://167772161/",
    "http://100.64.0.1/",
    "http://169.254.169.254/latest/meta-data/",
    "http://0xa9fea9fe/",
    "http://2852039166/",
    "http://0251.0376.0251.0376/",
    "http://172.16.0.1/",
    "http://192.168.1.1/",
    "http://224.0.0.1/",
    "http://255.255.255.255/",
    "http://example.com@127.0.0.1/",
    "http://example.com:80@127.0.0.1:80/",
    "http://example.com%40127.0.0.1@127.0.0.1/",
    "http://127.0.0.1#@example.com/",
    "http://127.0.0.1?@example.com/",
    "http://127.0.0.1\\@example.com/",
    "https:127.0.0.1",
    "http:\\\\127.0.0.1\\",
    "http://[::]/",
    "http://[::1]/",
    "http://[0:0:0:0:0:0:0:1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://[::127.0.0.1]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[2002:7f00:1::]/",
    "http://[fd00:ec2::254]/",
    "http://[fe80::1]/",
    "http://localhost/",
    "http://LOC\u{ff21}LHOST/",
];

/// Status and log of the deliveries, the newest first.
async fn newest(house: &House) -> (i64, String) {
    const NEWEST: &str = "SELECT status, log FROM deliveries ORDER BY number DESC LIMIT 1";
    let read = |tx: &mut store::Tx<'_>| tx.row(NEWEST, &[], |row| Ok((row.next()?, row.next()?)));
    house.app.store().read(read).await.expect("it is read").expect("there is one")
}

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect::<Vec<_>>().concat()
}

#[tokio::test]
async fn nothing_inside_is_told_however_it_is_written() {
    on_both(async |house| {
        let path = conversation(house).await;
        for url in INSIDE {
            let form = format!("Filters=onMessageAdded&PostWebhookUrl={}", encoded(url));
            let set = house.post("/v1/Configuration/Webhooks", &form).await;
            // What a browser would still understand is refused before anything can be sent there.
            if !url.is_ascii() || url.contains('\\') || !url.contains("://") {
                assert_eq!(set.code(), "400 50078", "{url}");
                continue;
            }
            assert_eq!(set.code(), "200", "{url}");
            let request = http::Request::post(format!("{path}/Messages"))
                .header("content-type", "application/x-www-form-urlencoded")
                .header("x-twilio-webhook-enabled", "true");
            assert_eq!(house.send(request, "Body=secret").await.code(), "201");
            house.deliver().await;
            let (status, log) = newest(house).await;
            assert!(log.contains("such addresses are not allowed"), "{url}: {log}");
            assert_eq!(status, 2, "{url} is given up");
        }
        let due = |tx: &mut store::Tx<'_>| conversations::deliveries::next_due(tx);
        assert_eq!(
            house.app.store().read::<Option<Timestamp>, StoreError>(due).await.expect("it is read"),
            None
        );
    })
    .await;
}
