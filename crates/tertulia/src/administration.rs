//! How commands reach the administration: over the network where a server runs on the data directory,
//! and in this process where none runs. Either way the same requests get the same answers.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, bail};
use axum::body::Body;
use conversations::{Ids, RandomIds, hex};
use http::Request;
use http_body_util::BodyExt;
use serde_json::Value;
use server::{App, Doors, Settings};
use store::Store;
use tokio::runtime::Runtime;
use tower::ServiceExt;

use crate::configuration::Configuration;
use crate::data_directory::DataDirectory;
use crate::given::{Given, Place};
use crate::logging::{Format, Logging};
use crate::open::{Opened, open};
use crate::run_file::RunFile;

const PATIENCE: Duration = Duration::from_secs(30);

/// A way to the administration.
pub struct Administration {
    admin_token: String,
    way: Way,
}

enum Way {
    /// To the server that runs: its host and port.
    Network(String),
    /// Into the store. The lock is held as long as this lives.
    Process { runtime: Runtime, doors: Box<Doors>, store: Store, _directory: DataDirectory },
}

impl Administration {
    /// Finds the server, or opens the store.
    pub fn reach(place: &Place) -> anyhow::Result<Self> {
        let Configuration { storage, repeatable, .. } =
            Configuration::read(&Given { place: place.clone(), ..Given::default() })?;
        let data = &storage.data;
        if !data.is_dir() {
            bail!("there is no data directory {}; `tertulia serve` makes one", data.display());
        }
        let Some(directory) = DataDirectory::lock(data)? else {
            let Some(RunFile { url, admin_token, .. }) = RunFile::read(data)? else {
                bail!("a process is using {} but does not answer yet; try again", data.display());
            };
            let host = url.strip_prefix("http://").context("the run file has an unknown URL")?.to_owned();
            return Ok(Self { admin_token, way: Way::Network(host) });
        };
        // The answer to a failure tells nothing of it; the log does. Warnings are written at once.
        drop(Logging::new("warn", Format::Text)?.start()?);
        let Opened { store, tools, manual_clock } = open(&directory, &storage, &repeatable)?;
        let admin_token = hex(&RandomIds::default().secret());
        let admin_tokens = vec![admin_token.clone()];
        let settings = Settings { admin_tokens, manual_clock, ..Settings::default() };
        let app = App::new(store.clone(), tools, settings);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.context("cannot start a runtime")?;
        let doors = Box::new(server::doors(&app));
        Ok(Self { admin_token, way: Way::Process { runtime, doors, store, _directory: directory } })
    }

    /// Whether a server runs, in which things happen by themselves.
    pub fn is_live(&self) -> bool {
        matches!(self.way, Way::Network(_))
    }

    /// Sends a request; what is refused is an error.
    pub fn ask(&self, method: &str, path: &str, form: &[(&str, &str)]) -> anyhow::Result<Value> {
        let path = format!("/tertulia/v1{path}");
        let body: String = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let (status, answer) = match &self.way {
            Way::Network(host) => self.over_network(host, (method, &path), &body)?,
            Way::Process { runtime, doors, .. } => {
                runtime.block_on(self.in_process((**doors).clone(), (method, &path), body))?
            }
        };
        if status == 204 {
            return Ok(Value::Null);
        }
        let answer: Value = serde_json::from_slice(&answer).context("the answer is not JSON")?;
        match answer.get("message").and_then(Value::as_str) {
            Some(message) if status >= 400 => bail!("{message} (status {status})"),
            _ if status >= 400 => bail!("the answer has status {status}"),
            _ => Ok(answer),
        }
    }

    async fn in_process(
        &self,
        doors: Doors,
        (method, path): (&str, &str),
        body: String,
    ) -> anyhow::Result<(u16, Vec<u8>)> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("content-type", "application/x-www-form-urlencoded")
            .header("authorization", format!("Bearer {}", self.admin_token))
            .body(Body::from(body))
            .context("cannot make a request")?;
        let answer = doors.oneshot(request).await.context("cannot be: they always answer")?;
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await.context("cannot read the answer")?;
        Ok((status, body.to_bytes().to_vec()))
    }

    /// One request, one connection: the server closes it after the answer.
    fn over_network(
        &self,
        host: &str,
        (method, path): (&str, &str),
        body: &str,
    ) -> anyhow::Result<(u16, Vec<u8>)> {
        let exchange = || -> std::io::Result<Vec<u8>> {
            let mut stream = TcpStream::connect(host)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.set_write_timeout(Some(PATIENCE))?;
            write!(
                stream,
                "{method} {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {}\r\nConnection: close\r\n\
                 Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
                self.admin_token,
                body.len(),
            )?;
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer)?;
            Ok(answer)
        };
        let answer = exchange().with_context(|| format!("cannot speak to the server at {host}"))?;
        parsed(&answer).with_context(|| format!("cannot understand the server at {host}"))
    }
}

impl Drop for Administration {
    fn drop(&mut self) {
        if let Way::Process { store, .. } = &self.way {
            store.close();
        }
    }
}

/// Status and body of an answer that ends with its connection. Ours have no other coding.
fn parsed(answer: &[u8]) -> Option<(u16, Vec<u8>)> {
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = str::from_utf8(&answer[..end]).ok()?;
    let status = head.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
    Some((status, answer[end + 4..].to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_a_status_and_a_body() {
        let answer = b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}";
        assert_eq!(parsed(answer), Some((201, b"{}".to_vec())));
        assert_eq!(parsed(b"HTTP/1.1 204 No Content\r\n\r\n"), Some((204, Vec::new())));
        assert_eq!(parsed(b"garbage"), None);
    }
}
