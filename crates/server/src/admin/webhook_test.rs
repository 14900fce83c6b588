//! Testing an endpoint: sample events as it may meet them, good and bad, and what it answered to each.
//!
//! They go out by the same client and behind the same guard as all webhooks, signed with the account's auth
//! token. An account tests one endpoint at a time, and a server few.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request as Incoming, State};
use axum::response::Response;
use axum::routing::any;
use conversations::webhooks::{self, Method as HookMethod};
use conversations::{Account, Failure, accounts};
use http::Method;
use http::header::{CONTENT_LENGTH, HeaderValue};
use serde::Serialize;
use store::StoreError;
use wire::{Problem, Sid, Target};

use super::door::{Asked, Outcome, answered, shown};
use crate::app::App;
use crate::outbound::{self, Answered, Failed};
use crate::stopwatch;
use crate::web::answer;
use crate::webhooks::attempt::{KEPT, shown as shown_headers};
use crate::webhooks::request::{Proof, Request, token_of};

const TEST: &str = "/tertulia/v1/Webhooks/Test";

/// How long one request may take; what a webhook has by default.
const PATIENCE: Duration = Duration::from_secs(5);
/// Between the pieces of a body that arrives slowly: two seconds for all of them.
const PAUSE: Duration = Duration::from_millis(200);
/// Tests that run at a time, of all accounts.
const AT_ONCE: usize = 8;

pub fn router() -> Router<Arc<App>> {
    Router::new().route(TEST, any(the_test))
}

async fn the_test(State(app): State<Arc<App>>, request: Incoming) -> Response {
    let (asked, body) = Asked::new(app, request);
    answered(test(&asked, body).await, TEST)
}

/// The accounts whose tests are under way.
#[derive(Default)]
pub struct Testing(Mutex<HashSet<Sid<Account>>>);

/// One of them, until this is dropped.
struct Running<'a>(&'a Testing, Sid<Account>);

impl Testing {
    fn begin(&self, account_sid: Sid<Account>) -> Option<Running<'_>> {
        let mut running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_free = running.len() < AT_ONCE && running.insert(account_sid);
        is_free.then(|| Running(self, account_sid))
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.1);
    }
}

/// What an endpoint is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Case {
    Good,
    BadSignature,
    Duplicate,
    Reordered,
    Slow,
}

impl Case {
    const ALL: [Self; 5] = [Self::Good, Self::BadSignature, Self::Duplicate, Self::Reordered, Self::Slow];

    /// What a good endpoint does.
    fn advice(self) -> &'static str {
        match self {
            Self::Good => "answer with 2xx within the time limit",
            Self::BadSignature => "refuse it with 4xx: anybody could have sent it",
            Self::Duplicate => {
                "answer both with 2xx and act once: they have the same I-Twilio-Idempotency-Token, because what \
                 was sent again after a failure may have arrived before"
            }
            Self::Reordered => {
                "answer both with 2xx and go by Index, not by arrival: the second message comes first"
            }
            Self::Slow => "wait for a body that takes two seconds to arrive, and answer with 2xx",
        }
    }

    /// The index of the message that each request tells of, and the thing that its token stands for.
    fn requests(self) -> &'static [(u32, &'static str)] {
        match self {
            Self::Good => &[(0, "good")],
            Self::BadSignature => &[(0, "bad")],
            Self::Duplicate => &[(1, "twice"), (1, "twice")],
            Self::Reordered => &[(3, "later"), (2, "earlier")],
            Self::Slow => &[(4, "slow")],
        }
    }

    fn is_as_it_should(self, answer: &Result<Answered, Failed>) -> bool {
        let wanted = if self == Self::BadSignature { 400..500 } else { 200..300 };
        answer.as_ref().is_ok_and(|answered| wanted.contains(&answered.status))
    }
}

#[derive(Serialize)]
struct Report {
    webhook_url: String,
    method: HookMethod,
    is_good: bool,
    cases: Vec<Tested>,
}

#[derive(Serialize)]
struct Tested {
    case: Case,
    is_good: bool,
    a_good_endpoint_should: &'static str,
    requests: Vec<Told>,
}

/// A request and its answer.
#[derive(Serialize)]
struct Told {
    milliseconds: u64,
    status: Option<u16>,
    error: Option<&'static str>,
    signed: String,
    response_headers: Vec<(String, String)>,
    response_body: Option<String>,
}

/// Who is asked, and by whom.
struct Endpoint<'a> {
    asked: &'a Asked,
    account_sid: Sid<Account>,
    auth_token: String,
    target: Target,
    method: HookMethod,
    /// Different in each test, so that tokens and sids are.
    salt: [u8; 16],
}

async fn test(asked: &Asked, body: Body) -> Outcome {
    if asked.method != Method::POST {
        return Ok(answer::not_allowed("POST"));
    }
    let account_sid = asked.account_sid_for_keys_too().await?;
    let form = asked.form(body).await?;
    let method = webhooks::parse_method(&form, "Method")?.unwrap_or(HookMethod::Post);
    let url = form.required("Url", Problem::parameter("Missing parameter Url"))?;
    let target = Some(url)
        .filter(|url| url.chars().count() <= webhooks::URL_LENGTH && webhooks::is_url(url))
        .and_then(Target::parse)
        .ok_or_else(|| Problem::invalid_parameter("Url"))?;
    let running = asked.app.testing.begin(account_sid).ok_or(Problem::TOO_MANY_REQUESTS)?;
    let auth_token = auth_token(&asked.app, account_sid).await?.ok_or_else(|| asked.not_found())?;
    let salt = asked.app.ids.sid(asked.app.clock.now());
    let endpoint = Endpoint { asked, account_sid, auth_token, target, method, salt };
    let mut cases = Vec::with_capacity(Case::ALL.len());
    for case in Case::ALL {
        let tested = endpoint.try_case(case).await;
        // Who is not there need not be asked four times more.
        let is_there = tested.requests.iter().any(|told| told.status.is_some());
        cases.push(tested);
        if !is_there {
            break;
        }
    }
    drop(running);
    let is_good = cases.len() == Case::ALL.len() && cases.iter().all(|tested| tested.is_good);
    let webhook_url = endpoint.target.url().as_str().to_owned();
    Ok(shown(200, &Report { webhook_url, method, is_good, cases }))
}

async fn auth_token(app: &App, account_sid: Sid<Account>) -> Result<Option<String>, Failure> {
    let read = move |tx: &mut store::Tx<'_>| accounts::find(tx, account_sid);
    let account: Result<Option<Account>, StoreError> = app.store.read(read).await;
    Ok(account?.and_then(|account| account.auth_token(&app.vault)))
}

impl Endpoint<'_> {
    async fn try_case(&self, case: Case) -> Tested {
        let mut requests = Vec::new();
        let mut is_good = true;
        for (index, thing) in case.requests() {
            let (told, is_as_it_should) = self.send(case, *index, thing).await;
            is_good &= is_as_it_should;
            requests.push(told);
        }
        Tested { case, is_good, a_good_endpoint_should: case.advice(), requests }
    }

    async fn send(&self, case: Case, index: u32, thing: &str) -> (Told, bool) {
        let app = &self.asked.app;
        let idempotency_token = token_of(&[&self.salt[..], thing.as_bytes()].concat());
        let standard = app.settings.webhooks.standard_signature.then(|| app.clock.now().unix_seconds());
        let wrong = format!("not {}", self.auth_token);
        let auth_token = if case == Case::BadSignature { &wrong } else { &self.auth_token };
        let proof = Proof { auth_token, idempotency_token: &idempotency_token, standard };
        let Request { method, url, mut headers, body, signed_text } =
            Request::new(&self.target, self.method, &self.sample(index), proof);
        let is_slow = case == Case::Slow && !body.is_empty();
        if is_slow {
            headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
        }
        let request =
            outbound::Asked { method, url, headers, body, connect: None, total: PATIENCE, most: KEPT };
        let began = stopwatch::start();
        let answer = if is_slow {
            app.outbound.ask_slowly(request, PAUSE).await
        } else {
            app.outbound.ask(request).await
        };
        let milliseconds = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let is_as_it_should = case.is_as_it_should(&answer);
        let (answered, error) = match answer {
            Ok(answered) => (Some(answered), None),
            Err(failed) => (None, Some(failed.words())),
        };
        let told = Told {
            milliseconds,
            status: answered.as_ref().map(|answered| answered.status),
            error,
            signed: signed_text,
            response_headers: answered.as_ref().map(headers_of).unwrap_or_default(),
            response_body: answered.map(|answered| String::from_utf8_lossy(&answered.body).into_owned()),
        };
        (told, is_as_it_should)
    }

    /// A message that nobody wrote, in a conversation that is not there.
    fn sample(&self, index: u32) -> String {
        let digits = conversations::hex(&self.salt);
        let date = self.asked.app.clock.now().milliseconds();
        format!(
            "EventType=onMessageAdded&AccountSid={}&ChatServiceSid=IS{digits}&Source=API&ConversationSid=CH{digits}\
             &MessageSid=IM{digits}&Index={index}&Author=system&Body=This+is+a+test+of+this+endpoint.\
             &Attributes=%7B%7D&DateCreated={}&RetryCount=0",
            self.account_sid,
            date.to_string().replace(':', "%3A"),
        )
    }
}

fn headers_of(answered: &Answered) -> Vec<(String, String)> {
    shown_headers(&answered.headers).into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_tests_one_endpoint_at_a_time_and_a_server_few() {
        let testing = Testing::default();
        let sid = |number| Sid::from_bytes([number; 16]);
        let first = testing.begin(sid(1)).expect("nobody tests yet");
        assert!(testing.begin(sid(1)).is_none());
        drop(first);
        let running: Vec<_> = (0..8).map(|number| testing.begin(sid(number))).collect();
        assert!(running.iter().all(Option::is_some) && testing.begin(sid(9)).is_none());
        drop(running);
        assert!(testing.begin(sid(9)).is_some());
    }
}
