//! The line in the log that each request has, however it came.

use std::io;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tracing_subscriber::fmt::MakeWriter;

use super::client::{House, framed};
use crate::harness::FORM;

/// What was logged, as JSON.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("nothing panics while it is held").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().expect("nothing panics while it is held").clone())
            .expect("it is text")
    }

    /// The lines of requests since the last look, with id and time as something of their kind.
    fn take(&self) -> Vec<Value> {
        let lines: Vec<Value> =
            self.text().lines().map(|line| serde_json::from_str(line).expect("it is JSON")).collect();
        self.0.lock().expect("nothing panics while it is held").clear();
        let of_requests = lines.into_iter().filter(|line| line["target"] == "access");
        of_requests
            .map(|mut line| {
                let line = line.as_object_mut().expect("it is one");
                line.remove("timestamp").expect("it is there");
                let id = line.remove("request_id").expect("it is there");
                let id = id.as_str().expect("it is text").strip_prefix("RQ").expect("it begins so").len();
                let time = line.remove("milliseconds").expect("it is there");
                assert!(id == 32 && time.as_f64().is_some_and(|time| time >= 0.0), "{id} {time}");
                Value::Object(std::mem::take(line))
            })
            .collect()
    }
}

/// A line about a request that was answered.
fn line((method, template, status): (&str, &str, u16), code: Option<u32>, account_sid: &str) -> Value {
    let mut line = json!({
        "level": "INFO", "target": "access", "message": format!("{method} {template} {status}"),
        "method": method, "template": template, "status": status, "account_sid": account_sid,
    });
    if let Some(code) = code {
        line["code"] = code.into();
    }
    line
}

// One thread, so that all that is logged is logged on it.
#[tokio::test]
async fn requests_are_logged_alike_and_nothing_that_was_said_is() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().json().flatten_event(true).with_writer(log.clone()).finish();
    let _logging = tracing::subscriber::set_default(subscriber);
    let mut house = House::open().await;
    let account_sid = house.harness.account_sid.clone();
    log.take();
    house.harness.ask("POST", "/v1/Conversations", &[FORM], "UniqueName=a-secret").await;
    house.harness.ask("GET", "/v1/Conversations/another-secret", &[], "").await;
    let one = "/v1/Conversations/{ConversationSid}";
    let expected = [
        line(("POST", "/v1/Conversations", 201), None, &account_sid),
        line(("GET", one, 404), Some(20404), &account_sid),
    ];
    assert_eq!(log.take(), expected);

    let token = house.token("a-secret-user");
    let mut client = house.stranger().await;
    client.init(&token).await;
    log.take();
    let below = format!("/Client/v2/Services/{}", house.service_sid);
    let post = |id: &str, path: &str, length: usize| {
        let request =
            json!({"host": "a-secret-host", "path": path, "method": "POST", "params": {"a": "secret"}});
        json!({"id": id, "method": "message", "payload_type": "application/json", "payload_size": length,
            "http_request": request})
    };
    let body = br#"{"unique_name":"one-more-secret"}"#;
    client.send_bytes(framed(&post("TM1", &format!("{below}/Conversations"), body.len()), body)).await;
    client.frame().await;
    client.ask("TM2", "GET", "/v3/Documents/secret.channel").await;
    client.frame().await;
    client.ask("TM3", "GET", &format!("{below}/Secrets/secret")).await;
    client.frame().await;
    client.send(json!({"id": "TM4", "method": "message", "http_request": {"path": "/secret"}})).await;
    client.frame().await;
    let template = "/Client/v2/Services/{ChatServiceSid}/Conversations";
    let said = log.text();
    let expected = [
        line(("POST", template, 201), None, &account_sid),
        line(("GET", "/v3/Documents/{Name}", 404), Some(54100), &account_sid),
        line(("GET", "(none)", 404), Some(20404), &account_sid),
        line(("(none)", "(none)", 400), Some(20001), &account_sid),
    ];
    assert_eq!(log.take(), expected);
    assert!(!said.contains("secret") && !said.contains(&token), "{said}");
    house.stop().await;
}
