//! What the client SDK sends through its tunnel, and what it is answered.

use bytes::Bytes;
use conversations::Failure;
use http::Method;
use serde::Serialize;
use wire::Problem;

use crate::web::answer::Note;

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
    /// What the log wants to know of it.
    pub(crate) note: Note,
}

impl Request {
    /// A parameter of the query; of several the first.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

impl Reply {
    pub fn new(status: u16, body: Vec<u8>) -> Self {
        Self { status, body, note: Note::default() }
    }

    pub fn json(status: u16, body: &impl Serialize) -> Self {
        Self::new(status, serde_json::to_vec(body).expect("keys are text"))
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
        let note = Note { code: Some(*code), ..Note::default() };
        Self { note, ..Self::json(*status, &Body { status: *status, code: *code, message }) }
    }

    /// A refusal or a failure. Of the latter a client learns no more than whether to come back.
    pub fn failure(failure: Failure) -> Self {
        let error = match failure {
            Failure::Refused(problem) => return Self::problem(&problem),
            Failure::Store(error) => error,
        };
        let problem = if error.is_busy() || error.is_unreachable() {
            Problem::SERVICE_UNAVAILABLE
        } else {
            Problem::INTERNAL
        };
        let mut reply = Self::problem(&problem);
        reply.note.failure = Some(error);
        reply
    }
}
