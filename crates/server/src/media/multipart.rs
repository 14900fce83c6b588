//! `multipart/form-data`, read as it comes in: one part after the other, and of a part one piece after the
//! other. No more is held than a piece, a boundary and the head of a part.

use bytes::{Bytes, BytesMut};
use memchr::memmem;
use percent_encoding::percent_decode_str;
use wire::Problem;

use super::source::Source;

/// Bytes of a part's head.
const HEAD_LENGTH: usize = 16 * 1024;
/// Bytes of a boundary, and of a field's value.
const BOUNDARY_LENGTH: usize = 70;
const VALUE_LENGTH: usize = 8 * 1024;

/// A form that is being read.
pub struct Multipart {
    source: Source,
    /// A line's end and the boundary, which end every part.
    delimiter: Vec<u8>,
    /// What came and was not looked at yet.
    come: BytesMut,
    is_in_part: bool,
}

/// The head of a part.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Part {
    pub name: String,
    pub filename: Option<String>,
    pub content_type: Option<String>,
}

impl Part {
    /// Whether it is a file, and not a field of text.
    pub fn is_file(&self) -> bool {
        self.filename.is_some() || self.content_type.is_some()
    }
}

impl Multipart {
    /// What `source` brings, where `content_type` is that of such a form.
    pub fn new(source: Source, boundary: &str) -> Self {
        let delimiter = format!("\r\n--{boundary}").into_bytes();
        // The first boundary has no line before it.
        Self { source, delimiter, come: BytesMut::from(&b"\r\n"[..]), is_in_part: true }
    }

    /// The head of the next part; none behind the last. What is left of the part before is passed over.
    pub async fn part(&mut self) -> Result<Option<Part>, Problem> {
        while self.chunk().await?.is_some() {}
        while self.come.len() < 2 {
            self.more().await?;
        }
        if self.come.starts_with(b"--") {
            return Ok(None);
        }
        let end = loop {
            match memmem::find(&self.come, b"\r\n\r\n") {
                Some(end) => break end,
                None if self.come.len() > HEAD_LENGTH => return Err(malformed()),
                None => self.more().await?,
            }
        };
        let head = self.come.split_to(end + 4);
        self.is_in_part = true;
        Ok(Some(head_of(&head).ok_or_else(malformed)?))
    }

    /// What comes next of the part; none at its end.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Problem> {
        while self.is_in_part {
            if let Some(at) = memmem::find(&self.come, &self.delimiter) {
                if at > 0 {
                    return Ok(Some(self.come.split_to(at).freeze()));
                }
                let _ = self.come.split_to(self.delimiter.len());
                self.is_in_part = false;
                break;
            }
            // The end may be the beginning of a boundary.
            let sure = (self.come.len() + 1).saturating_sub(self.delimiter.len());
            if sure > 0 {
                return Ok(Some(self.come.split_to(sure).freeze()));
            }
            self.more().await?;
        }
        Ok(None)
    }

    /// The part as text.
    pub async fn text(&mut self) -> Result<String, Problem> {
        let mut text = Vec::new();
        while let Some(chunk) = self.chunk().await? {
            text.extend_from_slice(&chunk);
            if text.len() > VALUE_LENGTH {
                return Err(Problem::parameter("A field of the form is too long"));
            }
        }
        String::from_utf8(text).map_err(|_| malformed())
    }

    async fn more(&mut self) -> Result<(), Problem> {
        let chunk = self.source.next().await?.ok_or_else(malformed)?;
        self.come.extend_from_slice(&chunk);
        Ok(())
    }
}

fn malformed() -> Problem {
    Problem::parameter("The body is not multipart/form-data")
}

/// The boundary that a content type names; none where it is another type.
pub fn boundary(content_type: &str) -> Option<Result<String, Problem>> {
    let (essence, parameters) = content_type.split_once(';').unwrap_or((content_type, ""));
    if !essence.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let named = parameter(parameters, "boundary").filter(|name| (1..=BOUNDARY_LENGTH).contains(&name.len()));
    Some(named.ok_or_else(malformed))
}

/// The lines of a head, the first being the rest of the boundary's.
fn head_of(head: &[u8]) -> Option<Part> {
    let head = std::str::from_utf8(head).ok()?;
    let mut lines = head.split("\r\n");
    if !lines.next()?.trim().is_empty() {
        return None;
    }
    let mut part = Part::default();
    for line in lines.filter(|line| !line.is_empty()) {
        let (name, value) = line.split_once(':')?;
        if name.eq_ignore_ascii_case("content-type") {
            part.content_type = Some(value.trim().to_owned());
        } else if name.eq_ignore_ascii_case("content-disposition") {
            let (_, parameters) = value.split_once(';').unwrap_or((value, ""));
            part.name = parameter(parameters, "name").unwrap_or_default();
            part.filename = extended(parameters).or_else(|| parameter(parameters, "filename"));
        }
    }
    Some(part)
}

/// `filename*=UTF-8''...`, which stands above the plain one.
fn extended(parameters: &str) -> Option<String> {
    let value = parameter(parameters, "filename*")?;
    let (charset, rest) = value.split_once('\'')?;
    let (_, encoded) = rest.split_once('\'')?;
    let decoded = percent_decode_str(encoded).decode_utf8().ok()?;
    charset.eq_ignore_ascii_case("utf-8").then(|| decoded.into_owned())
}

/// The value of a parameter, quoted or not. In quotes a backslash stands before a quote, and only there:
/// browsers write paths as they are, and a quote as `%22`.
fn parameter(mut text: &str, name: &str) -> Option<String> {
    loop {
        text = text.trim_start_matches([';', ' ', '\t']);
        let (given, rest) = text.split_once('=')?;
        let (value, behind) = if let Some(quoted) = rest.strip_prefix('"') {
            let is_end = |(at, _): &(usize, &str)| !quoted[..*at].ends_with('\\');
            let (end, _) = quoted.match_indices('"').find(is_end)?;
            (quoted[..end].replace("\\\"", "\"").replace("%22", "\""), &quoted[end + 1..])
        } else {
            let end = rest.find(';').unwrap_or(rest.len());
            (rest[..end].trim().to_owned(), &rest[end..])
        };
        if given.trim().eq_ignore_ascii_case(name) {
            return Some(value);
        }
        text = behind;
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use futures_util::stream;

    use super::*;

    const FORM: &str = "preamble\r\n--xyz\r\nContent-Disposition: form-data; name=\"Author\"\r\n\r\nalice\r\n\
        --xyz\r\nContent-Type: image/png\r\ncontent-disposition: form-data; name=\"f\"; filename=\"c.png\"\r\n\
        \r\n\r\n--xy\r\n-\r\n--xy\r\n--xyz  \r\n\r\n\r\n--xyz--\r\nepilogue";

    fn read_in(text: &'static [u8], size: usize) -> Multipart {
        let chunks = text.chunks(size).map(|chunk| Ok::<_, std::io::Error>(Bytes::from_static(chunk)));
        Multipart::new(Source::new(Body::from_stream(stream::iter(chunks)), 1 << 20), "xyz")
    }

    async fn told(mut form: Multipart) -> Result<Vec<(Part, String)>, Problem> {
        let mut parts = Vec::new();
        while let Some(part) = form.part().await? {
            parts.push((part, form.text().await?));
        }
        Ok(parts)
    }

    #[tokio::test]
    async fn parts_are_the_same_however_they_come() {
        for size in 1..FORM.len() {
            let told = told(read_in(FORM.as_bytes(), size)).await.expect("a form");
            let part = |name: &str, filename: Option<&str>, content_type: Option<&str>| Part {
                name: name.to_owned(),
                filename: filename.map(str::to_owned),
                content_type: content_type.map(str::to_owned),
            };
            let expected = [
                (part("Author", None, None), "alice".to_owned()),
                (part("f", Some("c.png"), Some("image/png")), "\r\n--xy\r\n-\r\n--xy".to_owned()),
                (part("", None, None), String::new()),
            ];
            assert_eq!(told, expected, "in pieces of {size}");
        }
    }

    #[tokio::test]
    async fn what_is_passed_over_is_not_told() {
        let mut form = read_in(FORM.as_bytes(), 7);
        form.part().await.expect("a form");
        assert_eq!(form.part().await.expect("a form").map(|part| part.is_file()), Some(true));
        assert_eq!(form.part().await.expect("a form").map(|part| part.is_file()), Some(false));
        assert_eq!(form.part().await, Ok(None));
    }

    #[tokio::test]
    async fn what_breaks_off_or_has_no_end_is_refused() {
        let whole = FORM.len() - "--\r\nepilogue".len();
        for end in [0, 5, 20, 60, whole - 1, whole, whole + 1] {
            let text: &'static [u8] = &FORM.as_bytes()[..end];
            assert_eq!(told(read_in(text, 10)).await.expect_err("it breaks off").status, 400, "{end}");
        }
        let endless = format!("--xyz\r\nA: {}", "x".repeat(HEAD_LENGTH * 2)).leak();
        assert_eq!(told(read_in(endless.as_bytes(), 1000)).await.expect_err("a head").status, 400);
        let long = format!("--xyz\r\n\r\n{}\r\n--xyz--", "x".repeat(VALUE_LENGTH + 1)).leak();
        assert_eq!(told(read_in(long.as_bytes(), 1000)).await.expect_err("a field").status, 400);
    }

    #[test]
    fn parameters_are_read_as_browsers_and_libraries_write_them() {
        for (text, name, expected) in [
            (" name=\"a b\"; filename=\"c;d.png\"", "filename", Some("c;d.png")),
            (" name=a; filename=b.png", "filename", Some("b.png")),
            ("filename=\"a\\\"b\"", "filename", Some("a\"b")),
            ("filename=\"a%22b\"", "filename", Some("a\"b")),
            ("filename=\"C:\\dir\\a.png\"", "filename", Some("C:\\dir\\a.png")),
            ("Boundary=xyz", "boundary", Some("xyz")),
            ("charset=utf-8;boundary=\"x z\"", "boundary", Some("x z")),
            ("filename=\"never ends", "filename", None),
            ("", "filename", None),
        ] {
            assert_eq!(parameter(text, name).as_deref(), expected, "{text}");
        }
        assert_eq!(extended("filename*=UTF-8''%e7%8c%ab.png").as_deref(), Some("\u{732b}.png"));
        assert_eq!(extended("filename*=latin1''x"), None);
        assert_eq!(boundary("image/png"), None);
        assert_eq!(boundary("Multipart/Form-Data; boundary=b"), Some(Ok("b".to_owned())));
        assert!(boundary("multipart/form-data").expect("it is a form").is_err());
    }
}
