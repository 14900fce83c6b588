//! `tertulia webhooks`: watches deliveries as they are tried, and sends them again.

use std::collections::HashMap;
use std::io::Write as _;
use std::time::Duration;

use anyhow::bail;
use serde_json::{Value, json};

use crate::administration::Administration;
use crate::arguments::{Common, WebhooksCommand};
use crate::commands::{of_account, plain};

const DELIVERIES: &str = "/Webhooks/Deliveries";
/// How often a running server is asked.
const INTERVAL: Duration = Duration::from_secs(1);
/// Pages of one look. What was tried further back is not seen.
const PAGES: usize = 5;
/// What is shown of the time before.
const BEFORE: usize = 10;

/// `tertulia webhooks`.
pub fn webhooks(command: &WebhooksCommand) -> anyhow::Result<()> {
    match command {
        WebhooksCommand::Tail { account, common } => {
            let administration = Administration::reach(&common.place)?;
            let account_sid = of_account(&administration, account.account_sid.as_deref())?;
            tail(&administration, &account_sid, common)
        }
        WebhooksCommand::Replay { delivery, failed: _, target, event, conversation, account, common } => {
            let administration = Administration::reach(&common.place)?;
            let account_sid = of_account(&administration, account.account_sid.as_deref())?;
            let replayed = if let Some(sid) = delivery {
                let path = format!("{DELIVERIES}/{}/Replay?AccountSid={account_sid}", plain(sid)?);
                administration.ask("POST", &path, &[])?;
                1
            } else {
                let filters = [("Target", target), ("EventType", event), ("ConversationSid", conversation)];
                let filters: Vec<_> =
                    filters.iter().filter_map(|(name, value)| Some((*name, value.as_deref()?))).collect();
                replay_failed(&administration, &account_sid, &filters)?
            };
            let answer = json!({"replayed": replayed});
            let text = if common.json {
                format!("{answer:#}")
            } else {
                format!("replayed       {}", answer["replayed"])
            };
            let _ = writeln!(std::io::stdout().lock(), "{text}");
            Ok(())
        }
    }
}

/// Sends all that was given up on its way again, a request for as many as one takes.
fn replay_failed(
    administration: &Administration,
    account_sid: &str,
    filters: &[(&str, &str)],
) -> anyhow::Result<u64> {
    let path = format!("{DELIVERIES}/Replay?AccountSid={account_sid}");
    let mut after: Option<String> = None;
    let mut replayed = 0;
    loop {
        let mut form = filters.to_vec();
        form.extend(after.as_deref().map(|after| ("After", after)));
        let answer = administration.ask("POST", &path, &form)?;
        replayed += answer["replayed"].as_u64().unwrap_or_default();
        match answer["after"].as_str() {
            Some(next) => after = Some(next.to_owned()),
            None => return Ok(replayed),
        }
    }
}

/// Shows the last tries, and each new one while the server runs. Ends where nobody reads any more.
fn tail(administration: &Administration, account_sid: &str, common: &Common) -> anyhow::Result<()> {
    let mut seen = Seen::default();
    let mut found = seen.news(look(administration, account_sid, &Seen::default())?);
    let before = found.len().saturating_sub(BEFORE);
    found.drain(..before);
    loop {
        let mut out = std::io::stdout().lock();
        for delivery in &found {
            let line = if common.json { delivery.to_string() } else { line(delivery) };
            if writeln!(out, "{line}").and_then(|()| out.flush()).is_err() {
                return Ok(());
            }
        }
        drop(out);
        if !administration.is_live() {
            return Ok(());
        }
        std::thread::sleep(INTERVAL);
        found = seen.news(look(administration, account_sid, &seen)?);
    }
}

/// The newest deliveries, back to what was seen before.
fn look(administration: &Administration, account_sid: &str, seen: &Seen) -> anyhow::Result<Vec<Value>> {
    let mut path = format!("{DELIVERIES}?AccountSid={account_sid}&PageSize=200");
    let mut found = Vec::new();
    for _ in 0..PAGES {
        let page = administration.ask("GET", &path, &[])?;
        let Some(deliveries) = page["deliveries"].as_array() else { bail!("the answer is no list") };
        found.extend(deliveries.iter().cloned());
        let is_known = deliveries.iter().any(|delivery| seen.knows(delivery));
        let next = page["meta"]["next_page_url"].as_str().and_then(|url| url.split_once("/tertulia/v1"));
        match next {
            Some((_, next)) if !is_known && !seen.0.is_empty() => next.clone_into(&mut path),
            _ => break,
        }
    }
    Ok(found)
}

/// How often each delivery of the last look was tried.
#[derive(Default)]
struct Seen(HashMap<String, u64>);

impl Seen {
    fn knows(&self, delivery: &Value) -> bool {
        delivery["sid"].as_str().is_some_and(|sid| self.0.contains_key(sid))
    }

    /// Those that were tried since the last look, in the order of their tries; what was found is now seen.
    fn news(&mut self, found: Vec<Value>) -> Vec<Value> {
        let mut now = HashMap::with_capacity(found.len());
        let mut news = Vec::new();
        for delivery in found {
            let Some(sid) = delivery["sid"].as_str() else { continue };
            let tries = delivery["tries"].as_u64().unwrap_or_default();
            let is_given_up = tries == 0 && delivery["status"] == "dead";
            let is_new = match self.0.get(sid) {
                None => tries > 0 || is_given_up,
                Some(before) => tries > *before,
            };
            now.insert(sid.to_owned(), tries);
            if is_new {
                news.push(delivery);
            }
        }
        self.0 = now;
        let key = |delivery: &Value| (date(delivery).to_owned(), delivery["sid"].to_string());
        news.sort_by_key(key);
        news
    }
}

fn date(delivery: &Value) -> &str {
    delivery["date_last_try"].as_str().or(delivery["date_created"].as_str()).unwrap_or("-")
}

fn line(delivery: &Value) -> String {
    let text = |name: &str| delivery[name].as_str().unwrap_or("-");
    let milliseconds = delivery["last_milliseconds"].as_u64().unwrap_or_default();
    let answer = match delivery["last_status"].as_u64() {
        Some(status) => status.to_string(),
        None => text("last_error").to_owned(),
    };
    format!(
        "{}  {:9}  {}  {} {}  {milliseconds} ms  {answer}  {}",
        date(delivery),
        text("status"),
        text("event_type"),
        text("target"),
        text("webhook_url"),
        text("sid"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delivery(sid: &str, tries: u64, status: &str) -> Value {
        json!({"sid": sid, "tries": tries, "status": status, "date_created": "2026-01-01T00:00:00Z"})
    }

    #[test]
    fn each_try_is_news_once() {
        let mut seen = Seen::default();
        let told =
            |news: Vec<Value>| news.iter().map(|one| one["sid"].to_string()).collect::<Vec<_>>().join(" ");
        let found =
            vec![delivery("WD3", 0, "waiting"), delivery("WD2", 0, "dead"), delivery("WD1", 1, "dead")];
        assert_eq!(told(seen.news(found.clone())), r#""WD1" "WD2""#);
        assert_eq!(told(seen.news(found)), "");
        let found =
            vec![delivery("WD4", 1, "delivered"), delivery("WD3", 1, "waiting"), delivery("WD1", 1, "dead")];
        assert_eq!(told(seen.news(found)), r#""WD3" "WD4""#);
    }

    #[test]
    fn a_line_tells_what_happened() {
        let told = json!({
            "sid": "WD1", "status": "dead", "event_type": "onMessageAdded", "target": "account",
            "webhook_url": "http://a/", "last_status": 503, "last_milliseconds": 7, "date_last_try": "now",
        });
        assert_eq!(line(&told), "now  dead       onMessageAdded  account http://a/  7 ms  503  WD1");
        let told = json!({"sid": "WD1", "last_error": "no connection could be made"});
        assert!(line(&told).ends_with("0 ms  no connection could be made  WD1"));
    }
}
