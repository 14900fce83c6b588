//! What the client SDK sends through its tunnel, and what it is answered.

use bytes::Bytes;
use conversations::Failure;
use http::Method;
use serde::Serialize;
use wire::Problem;

/// One request out of the tunnel. Its host is a label, and nothing is decided by it.
pub struct Request {
    pub method: Method,
    /// Still percent-encoded, without a query.
    pub path: String,
    /// The query, decoded, in the order given.
    pub params: Vec<(String, String)>,
    /// As the frame says it; JSON where it says nothing.
    pub content_type: String,
    pub body: Bytes,
}

/// What is answered: a status of HTTP, and JSON or nothing.
pub struct Reply {
    pub status: u16,
    pub body: Vec<u8>,
}

impl Request {
    /// A parameter of the query; of several the first.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

impl Reply {
    pub fn json(status: u16, body: &impl Serialize) -> Self {
        Self { status, body: serde_json::to_vec(body).expect("keys are text") }
    }

    pub fn problem(problem: &Problem) -> Self {
        /// What applications read of an error: `err.status` and `err.body.code`.
        #[derive(Serialize)]
        struct Body<'a> {
            status: u16,
            code: u32,
            message: &'a str,
        }
        let Problem { status, code, message, .. } = problem;
        Self::json(*status, &Body { status: *status, code: *code, message })
    }

    /// A refusal or a failure, which is logged here. Of the latter a client learns no more than whether to come back.
    pub fn failure(failure: &Failure) -> Self {
        let error = match failure {
            Failure::Refused(problem) => return Self::problem(problem),
            Failure::Store(error) => error,
        };
        if error.is_busy() || error.is_unreachable() {
            tracing::warn!("a client's request was turned away: {error:?}");
            return Self::problem(&Problem::SERVICE_UNAVAILABLE);
        }
        tracing::error!("a client's request failed: {error:?}");
        Self::problem(&Problem::INTERNAL)
    }
}
