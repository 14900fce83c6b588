//! Whether a try that failed is worth another, and when. Pure.

use std::time::Duration;

use http::HeaderMap;
use http::header::RETRY_AFTER;
use wire::{RetryOn, Target};

use super::WebhookSettings;
use crate::outbound::{Answered, Failed};

/// The wait after the first failure. It grows fourfold with each.
const FIRST: Duration = Duration::from_secs(5);
/// The longest wait of our own choice.
const LONGEST: Duration = Duration::from_hours(10);
/// The shortest and the longest that a receiver may make us wait.
const SHORTEST_ASKED: Duration = Duration::from_secs(1);
const LONGEST_ASKED: Duration = Duration::from_hours(24);

/// How long to wait before the next try, after `tries` that have failed, the last one so. None: no more.
/// `chance` spreads those who failed together, so that they do not come back together.
pub fn next(
    settings: &WebhookSettings,
    target: &Target,
    (tries, last): (u32, &Result<Answered, Failed>),
    chance: u8,
) -> Option<Duration> {
    let retries = target.overrides.retry_count.unwrap_or(settings.retry_count);
    let retry_on = match (target.overrides.retry_count, target.overrides.retry_on.as_slice()) {
        (None, []) => &settings.retry_on,
        // Twilio: who asks for tries and does not say after what asks for them where nobody was there.
        (Some(_), []) => &[RetryOn::ConnectTimeout][..],
        (_, given) => given,
    };
    if tries > retries || !retry_on.iter().any(|kind| is(*kind, last)) {
        return None;
    }
    let asked = last.as_ref().ok().and_then(|answered| retry_after(&answered.headers));
    if let Some(asked) = asked {
        return Some(asked.clamp(SHORTEST_ASKED, LONGEST_ASKED));
    }
    let growth = 4_u32.saturating_pow(tries.saturating_sub(1));
    let wait = FIRST.saturating_mul(growth).min(LONGEST);
    // Between three quarters of it and the whole.
    Some(wait * 3 / 4 + wait / 4 * u32::from(chance) / u32::from(u8::MAX))
}

fn is(kind: RetryOn, last: &Result<Answered, Failed>) -> bool {
    match (kind, last) {
        // What is inside stays inside.
        (_, Err(Failed::Refused)) => false,
        (RetryOn::All, _) => true,
        (RetryOn::ClientError, Ok(answered)) => (400..500).contains(&answered.status),
        (RetryOn::ServerError, Ok(answered)) => (500..600).contains(&answered.status),
        (RetryOn::ConnectTimeout, Err(failed)) => *failed == Failed::NotConnected,
        (RetryOn::ReadTimeout, Err(failed)) => matches!(failed, Failed::TimedOut | Failed::Broken),
        _ => false,
    }
}

/// Seconds. A date is not understood: few send one, and clocks differ.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    #[expect(clippy::unnecessary_wraps, reason = "it stands beside failures")]
    fn answered(status: u16) -> Result<Answered, Failed> {
        Ok(Answered { status, headers: HeaderMap::new(), body: Bytes::new(), is_cut: false })
    }

    fn waits(url: &str, tries: u32, last: &Result<Answered, Failed>) -> Option<u64> {
        let target = Target::parse(url).expect("a target");
        next(&WebhookSettings::default(), &target, (tries, last), 255).map(|wait| wait.as_secs())
    }

    #[test]
    fn by_default_a_webhook_is_told_once() {
        assert_eq!(waits("http://a/", 1, &answered(500)), None);
        assert_eq!(waits("http://a/", 1, &Err(Failed::NotConnected)), None);
    }

    #[test]
    fn waits_grow_fourfold_up_to_a_bound_and_end_with_the_count() {
        let url = "http://a/#rc=9&rp=all";
        let told: Vec<_> = (1..=10).map(|tries| waits(url, tries, &answered(500))).collect();
        let seconds = [5, 20, 80, 320, 1280, 5120, 20480, 36000, 36000];
        let expected: Vec<_> = seconds.into_iter().map(Some).chain([None]).collect();
        assert_eq!(told, expected);
    }

    #[test]
    fn a_url_says_what_is_worth_another_try() {
        let failures = [
            answered(404),
            answered(503),
            Err(Failed::NotConnected),
            Err(Failed::TimedOut),
            Err(Failed::Broken),
            answered(302),
            Err(Failed::Refused),
        ];
        for (url, expected) in [
            ("http://a/#rc=1", "..x...."),
            ("http://a/#rc=1&rp=ct", "..x...."),
            ("http://a/#rc=1&rp=4xx", "x......"),
            ("http://a/#rc=1&rp=5xx,rt", ".x.xx.."),
            ("http://a/#rc=1&rp=all", "xxxxxx."),
        ] {
            let told: String =
                failures.iter().map(|last| if waits(url, 1, last).is_some() { 'x' } else { '.' }).collect();
            assert_eq!(told, expected, "{url}");
        }
    }

    #[test]
    fn chance_takes_off_a_quarter_at_most() {
        let target = Target::parse("http://a/#rc=1&rp=all").expect("a target");
        let wait = |chance| next(&WebhookSettings::default(), &target, (1, &answered(500)), chance);
        assert_eq!(wait(0), Some(Duration::from_millis(3750)));
        assert_eq!(wait(255), Some(Duration::from_secs(5)));
    }

    #[test]
    fn who_says_when_to_come_back_is_heard() {
        let last = |after: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, after.parse().expect("a value"));
            Ok(Answered { status: 429, headers, body: Bytes::new(), is_cut: false })
        };
        assert_eq!(waits("http://a/#rc=1&rp=4xx", 1, &last("120")), Some(120));
        assert_eq!(waits("http://a/#rc=1&rp=4xx", 1, &last("99999999")), Some(86_400));
        assert_eq!(waits("http://a/#rc=1&rp=4xx", 1, &last("0")), Some(1), "nobody is asked in a row");
        assert_eq!(waits("http://a/#rc=1&rp=4xx", 1, &last("Wed, 21 Oct 2015 07:28:00 GMT")), Some(5));
    }
}
