//! Pages of a list, and the `meta` object that tells a client how to go on.
//!
//! Paging is by token: a token holds the sort key of the last row seen, so a page is one look-up in an index
//! however far it lies, and rows added or removed elsewhere shift nothing. `Page` is the client's own count
//! and seeks nothing. A token belongs to one list with its filters: elsewhere its key would mean another place.
//! Tokens are neither signed nor secret: one that is made up only asks for another place in a list that the
//! caller may read anyway.

use std::fmt::Write;
use std::str;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::form::Form;
use crate::problem::Problem;
use crate::sid::{from_hex, to_hex};

/// The sort key of a row: lists order by a date, a position or an index, then by sid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// What the list is ordered by.
    pub at: i64,
    /// The row's sid, which decides between equals.
    pub sid: [u8; 16],
}

/// Where a page begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Position {
    /// At the list's beginning.
    Start,
    /// With the row that follows this one.
    After(Cursor),
    /// So that it ends with the row that precedes this one.
    Before(Cursor),
}

/// One list with its filters, told from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct List(u64);

impl List {
    /// Of a text that no other list has: its tenant, path and filters.
    pub fn of(text: &str) -> Self {
        // FNV-1a: it keeps mistakes apart, not enemies.
        Self(text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        }))
    }
}

/// What a token says, in the order in which it is written.
#[derive(Serialize, Deserialize)]
struct Token<'a> {
    o: &'a str,
    at: i64,
    sid: &'a str,
    list: u64,
}

/// The largest number that a JavaScript client reads without loss.
const LARGEST_PAGE: u64 = (1 << 53) - 1;

const TOKEN_PREFIX: &str = "PT";

/// No token of ours is longer; what is need not be decoded.
const TOKEN_BYTES: usize = 160;

impl Position {
    /// The token that leads here in a list; the beginning needs none.
    pub fn token(&self, list: List) -> Option<String> {
        let (o, cursor) = match self {
            Self::Start => return None,
            Self::After(cursor) => ("a", cursor),
            Self::Before(cursor) => ("b", cursor),
        };
        let hex = to_hex(cursor.sid);
        let sid = str::from_utf8(&hex).expect("digits are text");
        let json = serde_json::to_vec(&Token { o, at: cursor.at, sid, list: list.0 })
            .expect("numbers and texts can be written");
        let mut token = TOKEN_PREFIX.to_owned();
        URL_SAFE_NO_PAD.encode_string(json, &mut token);
        Some(token)
    }

    /// Reads a token exactly as [`Position::token`] writes it for this list.
    pub fn from_token(token: &str, list: List) -> Result<Self, Problem> {
        Self::read(token)
            .filter(|position| position.token(list).as_deref() == Some(token))
            .ok_or(Problem::INVALID_PAGE_TOKEN)
    }

    fn read(token: &str) -> Option<Self> {
        let encoded = token.strip_prefix(TOKEN_PREFIX).filter(|encoded| encoded.len() <= TOKEN_BYTES)?;
        let json = URL_SAFE_NO_PAD.decode(encoded).ok()?;
        let Token { o, at, sid, list: _ } = serde_json::from_slice(&json).ok()?;
        let cursor = Cursor { at, sid: from_hex(sid.as_bytes())? };
        match o {
            "a" => Some(Self::After(cursor)),
            "b" => Some(Self::Before(cursor)),
            _ => None,
        }
    }
}

/// Which page of a list is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageRequest {
    /// The client's count of pages, which comes back in `meta`.
    pub page: u64,
    /// How many rows, at least one.
    pub size: usize,
    /// Where it begins.
    pub position: Position,
    /// Of which list.
    pub list: List,
}

impl PageRequest {
    /// Reads `PageSize`, `Page` and `PageToken`.
    // Twilio: the libraries send `PageSize=1000` for `limit=1000`, so more than the maximum is the maximum.
    pub fn parse(
        query: &Form,
        (default_size, max_size): (usize, usize),
        list: List,
    ) -> Result<Self, Problem> {
        let size = match query.get("PageSize") {
            None => default_size,
            Some(text) => match number(text) {
                Some(0) | None => return Err(Problem::invalid_parameter("PageSize")),
                Some(size) => usize::try_from(size).unwrap_or(max_size),
            },
        };
        let page = match query.get("Page") {
            None => 0,
            Some(text) => number(text)
                .filter(|page| *page <= LARGEST_PAGE)
                .ok_or_else(|| Problem::invalid_parameter("Page"))?,
        };
        let position = match query.get("PageToken") {
            None => Position::Start,
            Some(token) => Position::from_token(token, list)?,
        };
        Ok(Self { page, size: size.min(max_size), position, list })
    }
}

/// Digits only; a number that is too large is the largest.
fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u64::MAX))
}

/// The `meta` object of a list, members in the order of the API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Meta {
    /// The client's count of pages.
    pub page: u64,
    /// How many rows a page has at most.
    pub page_size: usize,
    /// The list from its beginning.
    pub first_page_url: String,
    /// None on the first page.
    pub previous_page_url: Option<String>,
    /// This page.
    pub url: String,
    /// None on the last page: libraries ask until then.
    pub next_page_url: Option<String>,
    /// The name under which the rows stand beside `meta`.
    pub key: &'static str,
}

/// Builds the `meta` object. `url` is the list's absolute URL without a query, and `filters` are what the
/// list was narrowed by, which every URL carries; `next` is the last row of this page if more follow it,
/// `previous` the first row if others precede it.
pub fn meta(
    url: &str,
    filters: &[(&'static str, String)],
    request: &PageRequest,
    next: Option<Cursor>,
    previous: Option<Cursor>,
    key: &'static str,
) -> Meta {
    let link = |page: u64, position: Position| {
        let mut link = String::with_capacity(url.len() + 160);
        link.push_str(url);
        let mut separator = '?';
        for (name, value) in filters {
            link.push(separator);
            link.push_str(name);
            link.push('=');
            link.extend(form_urlencoded::byte_serialize(value.as_bytes()));
            separator = '&';
        }
        write!(link, "{separator}PageSize={}&Page={page}", request.size).expect("a string takes all");
        if let Some(token) = position.token(request.list) {
            link.push_str("&PageToken=");
            link.push_str(&token);
        }
        link
    };
    let PageRequest { page, size, position, .. } = *request;
    Meta {
        page,
        page_size: size,
        first_page_url: link(0, Position::Start),
        previous_page_url: previous.map(|row| link(page.saturating_sub(1), Position::Before(row))),
        url: link(page, position),
        next_page_url: next.map(|row| link(page.saturating_add(1), Position::After(row))),
        key,
    }
}

/// What a client that sends tokens back, and follows no URLs, is told in the place of [`Meta`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Tokens {
    /// None on the first page.
    pub previous_token: Option<String>,
    /// None on the last page.
    pub next_token: Option<String>,
}

impl Tokens {
    /// `next` and `previous` are those of [`meta`].
    pub fn new(list: List, next: Option<Cursor>, previous: Option<Cursor>) -> Self {
        Self {
            previous_token: previous.and_then(|row| Position::Before(row).token(list)),
            next_token: next.and_then(|row| Position::After(row).token(list)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const URL: &str = "http://localhost/v1/Conversations";
    const LIST: List = List(7);
    const ROW: Cursor = Cursor { at: 123, sid: [0xab; 16] };

    fn request(query: &str) -> Result<PageRequest, Problem> {
        PageRequest::parse(&Form::parse(query.as_bytes()).unwrap(), (50, 100), LIST)
    }

    fn token_of(json: &str) -> String {
        format!("PT{}", URL_SAFE_NO_PAD.encode(json))
    }

    #[test]
    fn a_page_is_asked_for() {
        assert_eq!(request(""), Ok(PageRequest { page: 0, size: 50, position: Position::Start, list: LIST }));
        let token = Position::After(ROW).token(LIST).unwrap();
        assert_eq!(
            request(&format!("PageSize=2&Page=7&PageToken={token}")),
            Ok(PageRequest { page: 7, size: 2, position: Position::After(ROW), list: LIST })
        );
        for (size, clamped) in
            [("1", 1), ("100", 100), ("101", 100), ("1000000000", 100), (&"9".repeat(40), 100)]
        {
            assert_eq!(request(&format!("PageSize={size}")).unwrap().size, clamped);
        }
    }

    #[test]
    fn what_cannot_be_meant_is_named() {
        for (query, name) in [
            ("PageSize=0", "PageSize"),
            ("PageSize=-1", "PageSize"),
            ("PageSize=", "PageSize"),
            ("PageSize=%2B5", "PageSize"),
            ("PageSize=ten", "PageSize"),
            ("Page=-1", "Page"),
            ("Page=x", "Page"),
            ("Page=9007199254740992", "Page"),
            ("Page=99999999999999999999", "Page"),
        ] {
            let problem = request(query).unwrap_err();
            assert_eq!((problem.code, problem.status), (20001, 400));
            assert!(problem.message.ends_with(&format!(" {name}")), "{problem}");
        }
    }

    #[test]
    fn only_tokens_of_ours_are_read() {
        let json = r#"{"o":"a","at":123,"sid":"abababababababababababababababab","list":7}"#;
        assert_eq!(Position::After(ROW).token(LIST), Some(token_of(json)));
        assert!(token_of(json).starts_with("PTeyJv"));
        let other_json = [
            json.replace("ab", "AB"),
            json.replace(',', ", "),
            json.replace("\"a\"", "\"c\""),
            json.replace('}', ",\"x\":1}"),
            json.replace("123", "123.0"),
            json.replace("abab\"", "\""),
            json.replace(":7", ":8"),
            "{}".to_owned(),
            "[\"a\",123,\"\"]".to_owned(),
        ];
        let other_text = [
            String::new(),
            "PT".to_owned(),
            "PTeyJv".to_owned(),
            token_of(json) + "=",
            token_of(json)[2..].to_owned(),
            token_of(json).to_lowercase(),
            "PT".to_owned() + &"A".repeat(10_000),
        ];
        for token in other_json.iter().map(|json| token_of(json)).chain(other_text) {
            assert_eq!(Position::from_token(&token, LIST), Err(Problem::INVALID_PAGE_TOKEN), "{token}");
        }
        assert_eq!(request("PageToken="), Err(Problem::INVALID_PAGE_TOKEN));
    }

    #[test]
    fn the_first_and_only_page() {
        let meta = meta(URL, &[], &request("").unwrap(), None, None, "conversations");
        assert_eq!(
            serde_json::to_string(&meta).unwrap(),
            r#"{"page":0,"page_size":50,"first_page_url":"http://localhost/v1/Conversations?PageSize=50&Page=0","previous_page_url":null,"url":"http://localhost/v1/Conversations?PageSize=50&Page=0","next_page_url":null,"key":"conversations"}"#
        );
    }

    #[test]
    fn every_url_carries_the_filters() {
        let filters = [("Address", "whatsapp:+1 555&".to_owned()), ("Order", "desc".to_owned())];
        let token = Position::After(ROW).token(LIST).unwrap();
        let request = request(&format!("PageSize=2&Page=3&PageToken={token}")).unwrap();
        let (first, last) = (Cursor { at: -1, ..ROW }, Cursor { at: i64::MAX, ..ROW });
        let meta = meta(URL, &filters, &request, Some(last), Some(first), "messages");

        let stem = format!("{URL}?Address=whatsapp%3A%2B1+555%26&Order=desc&PageSize=2");
        let before = Position::Before(first).token(LIST).unwrap();
        let after = Position::After(last).token(LIST).unwrap();
        assert_eq!(meta.first_page_url, format!("{stem}&Page=0"));
        assert_eq!(meta.previous_page_url, Some(format!("{stem}&Page=2&PageToken={before}")));
        assert_eq!(meta.url, format!("{stem}&Page=3&PageToken={token}"));
        assert_eq!(meta.next_page_url, Some(format!("{stem}&Page=4&PageToken={after}")));

        let query = meta.next_page_url.unwrap().split_once('?').unwrap().1.to_owned();
        let query = Form::parse(query.as_bytes()).unwrap();
        assert_eq!(query.get("Address"), Some("whatsapp:+1 555&"));
        assert_eq!(PageRequest::parse(&query, (50, 100), LIST).unwrap().position, Position::After(last));
    }

    #[test]
    fn the_count_does_not_fall_below_zero() {
        // An application may bring a token it kept, without the page it had reached.
        let token = Position::Before(ROW).token(LIST).unwrap();
        let first = request(&format!("PageToken={token}")).unwrap();
        assert!(meta(URL, &[], &first, None, Some(ROW), "x").previous_page_url.unwrap().contains("&Page=0&"));
    }

    #[test]
    fn a_token_belongs_to_its_list() {
        let token = Position::After(ROW).token(List::of("a")).unwrap();
        assert_eq!(Position::from_token(&token, List::of("a")), Ok(Position::After(ROW)));
        assert_eq!(Position::from_token(&token, List::of("b")), Err(Problem::INVALID_PAGE_TOKEN));
    }

    proptest! {
        #[test]
        fn tokens_lead_where_they_were_made(at: i64, sid: [u8; 16], before: bool) {
            let cursor = Cursor { at, sid };
            let position = if before { Position::Before(cursor) } else { Position::After(cursor) };
            let token = position.token(LIST).unwrap();
            prop_assert_eq!(Position::from_token(&token, LIST), Ok(position));
            prop_assert!(token.starts_with("PTeyJv") && token.len() <= TOKEN_BYTES);
        }

        #[test]
        fn a_token_that_was_changed_is_refused_or_is_one_of_ours(
            at: i64, sid: [u8; 16], place: prop::sample::Index, by in "[A-Za-z0-9_=%-]{0,2}",
        ) {
            let mut token = Position::After(Cursor { at, sid }).token(LIST).unwrap();
            let place = place.index(token.len());
            token.replace_range(place..=place, &by);
            match Position::from_token(&token, LIST) {
                Ok(position) => prop_assert_eq!(position.token(LIST), Some(token)),
                Err(problem) => prop_assert_eq!(problem, Problem::INVALID_PAGE_TOKEN),
            }
        }

        #[test]
        fn a_token_leads_nowhere_in_another_list(at: i64, sid: [u8; 16], list: u64) {
            let token = Position::Before(Cursor { at, sid }).token(List(list)).unwrap();
            let read = Position::from_token(&token, LIST);
            prop_assert_eq!(read.is_ok(), List(list) == LIST);
        }

        #[test]
        fn reads_anything_without_panic(text: String, bytes: Vec<u8>) {
            let _ = Position::from_token(&text, LIST);
            let _ = Position::from_token(&format!("PT{}", URL_SAFE_NO_PAD.encode(bytes)), LIST);
        }
    }
}
