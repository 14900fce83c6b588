//! A request as it stands in a frame's header.

use std::borrow::Cow;

use bytes::Bytes;
use http::Method;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use wire::Problem;

use super::exchange::Request;
use crate::web::path;

const JSON: &str = "application/json";

/// The host is a label and is passed over.
#[derive(Deserialize)]
struct Tunnelled<'a> {
    #[serde(borrow)]
    method: Cow<'a, str>,
    path: String,
    #[serde(default)]
    params: Option<Map<String, Value>>,
    #[serde(default)]
    headers: Option<Map<String, Value>>,
}

/// The request of a frame, or what is wrong with it.
pub fn read(
    request: Option<&RawValue>,
    payload_type: Option<String>,
    body: Bytes,
) -> Result<Request, Problem> {
    let raw = request.ok_or_else(|| Problem::parameter("There is no http_request in the frame"))?;
    let Tunnelled { method, path, params, headers } = serde_json::from_str(raw.get())
        .map_err(|_| Problem::parameter("The http_request of the frame cannot be read"))?;
    let method = Method::from_bytes(method.as_bytes()).map_err(|_| Problem::METHOD_NOT_ALLOWED)?;
    let params = decoded(params.unwrap_or_default())?;
    let of_header = headers.and_then(content_type);
    let content_type = of_header.or(payload_type).unwrap_or_else(|| JSON.to_owned());
    Ok(Request { method, path, params, content_type, body })
}

/// The query. A name that is repeated comes as a list.
fn decoded(params: Map<String, Value>) -> Result<Vec<(String, String)>, Problem> {
    let mut pairs = Vec::with_capacity(params.len());
    for (name, value) in params {
        let wrong = || Problem::invalid_parameter(&name);
        let values = match value {
            Value::Array(values) => values,
            value => vec![value],
        };
        for value in values {
            let text = match value {
                Value::Null => continue,
                Value::String(text) => path::decode(&text).ok_or_else(wrong)?,
                Value::Bool(_) | Value::Number(_) => value.to_string(),
                Value::Array(_) | Value::Object(_) => return Err(wrong()),
            };
            pairs.push((path::decode(&name).ok_or_else(wrong)?, text));
        }
    }
    Ok(pairs)
}

fn content_type(headers: Map<String, Value>) -> Option<String> {
    let mut headers = headers.into_iter();
    let (_, value) = headers.find(|(name, _)| name.eq_ignore_ascii_case("content-type"))?;
    match value {
        Value::String(text) => Some(text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read_value(request: &Value, payload_type: Option<&str>) -> Result<Request, Problem> {
        let raw = RawValue::from_string(request.to_string()).expect("JSON");
        read(Some(&raw), payload_type.map(str::to_owned), Bytes::new())
    }

    #[test]
    fn a_request_of_the_sdk_is_read() {
        let request = json!({
            "host": "aim.us1.twilio.com", "path": "/Client/v2/Users/a%2Fb", "method": "GET",
            "params": {"PageToken": "a%20b+c", "Include": ["items", "%C3%A9"], "Limit": 5, "None": null},
            "headers": {"content-type": "application/x-www-form-urlencoded", "X-Twilio-Mutation-Id": "1"},
        });
        let request = read_value(&request, Some("text/plain")).expect("it is one");
        assert_eq!((request.method.as_str(), &*request.path), ("GET", "/Client/v2/Users/a%2Fb"));
        assert_eq!(request.param("PageToken"), Some("a b+c"));
        assert_eq!(request.param("Include"), Some("items"));
        let values: Vec<_> = request.params.iter().map(|(_, value)| value.as_str()).collect();
        assert!(values.contains(&"\u{e9}") && values.contains(&"5") && values.len() == 4, "{values:?}");
        assert_eq!(request.content_type, "application/x-www-form-urlencoded");
    }

    #[test]
    fn what_it_does_not_say_is_json() {
        let request = json!({"path": "/", "method": "POST", "host": 7});
        assert_eq!(read_value(&request, None).expect("it is one").content_type, JSON);
        assert_eq!(read_value(&request, Some("text/plain")).expect("it is one").content_type, "text/plain");
    }

    #[test]
    fn what_is_none_is_refused() {
        for (request, status) in [
            (json!(null), 400),
            (json!("GET /"), 400),
            (json!({"method": "GET"}), 400),
            (json!({"path": "/"}), 400),
            (json!({"path": 7, "method": "GET"}), 400),
            (json!({"path": "/", "method": "G T"}), 405),
            (json!({"path": "/", "method": ""}), 405),
            (json!({"path": "/", "method": "GET", "params": []}), 400),
            (json!({"path": "/", "method": "GET", "params": {"a": {}}}), 400),
            (json!({"path": "/", "method": "GET", "params": {"a": [[]]}}), 400),
            (json!({"path": "/", "method": "GET", "params": {"a": "%FF"}}), 400),
            (json!({"path": "/", "method": "GET", "params": {"a": "%00"}}), 400),
            (json!({"path": "/", "method": "GET", "params": {"%FF": "a"}}), 400),
        ] {
            let problem = read_value(&request, None).err().unwrap_or_else(|| panic!("{request} was taken"));
            assert_eq!(problem.status, status, "{request}");
        }
        assert_eq!(read(None, None, Bytes::new()).err().map(|problem| problem.status), Some(400));
    }
}
