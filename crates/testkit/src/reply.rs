//! What the server answered.

use http::{HeaderMap, StatusCode};
use serde_json::Value;

/// One whole answer.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Reply {
    /// The body as JSON; null where there is none.
    pub fn json(&self) -> Value {
        if self.body.is_empty() {
            return Value::Null;
        }
        serde_json::from_slice(&self.body).expect("a body is JSON")
    }

    /// Status and body, as a snapshot shows them.
    pub fn text(&self) -> String {
        if self.body.is_empty() {
            return self.status.to_string();
        }
        let body = serde_json::to_string_pretty(&self.json()).expect("a value is written");
        format!("{}\n{body}", self.status)
    }

    /// Status and error code, `409 50433`; only the status where there is no error.
    pub fn code(&self) -> String {
        match self.json().get("code") {
            Some(code) => format!("{} {code}", self.status.as_u16()),
            None => self.status.as_u16().to_string(),
        }
    }

    /// A member of the body.
    pub fn get(&self, name: &str) -> Value {
        self.json().get(name).cloned().unwrap_or_else(|| panic!("no {name} in {}", self.text()))
    }

    /// A member of the body that is text.
    pub fn field(&self, name: &str) -> String {
        self.get(name).as_str().unwrap_or_else(|| panic!("{name} is no text in {}", self.text())).to_owned()
    }

    /// The sid of what was answered.
    pub fn sid(&self) -> String {
        self.field("sid")
    }

    /// A header, where it is there and text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}
