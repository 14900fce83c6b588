//! The first page of a conversation's messages against the ten thousandth.

use anyhow::{Context, ensure};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::Value;

use crate::bench::Bench;
use crate::filling::Town;
use crate::load::Request;
use crate::server::Server;
use crate::table::Table;

use super::sizes::load;

const PAGE: u64 = 50;
/// Where the ten thousandth page begins.
const FIRST_OF_LAST: u64 = 9999 * PAGE;
/// Messages of a conversation that has one page more than that.
pub const DEEP: u64 = 10_001 * PAGE;
const LISTS: usize = 2000;

/// Where a conversation is deep enough.
pub fn measure(bench: &Bench, server: &Server, town: &Town, table: &mut Table) -> anyhow::Result<()> {
    let Some(place) = town.conversations.iter().find(|place| place.messages >= DEEP) else { return Ok(()) };
    let first = format!("Conversations/{}/Messages?PageSize={PAGE}", place.sid);
    let deep = format!("{first}&Page=9999&PageToken={}", token(bench, server, &first)?);
    let page = bench.wait(server.api.get(&deep))?;
    ensure!(page["messages"][0]["index"] == FIRST_OF_LAST, "another page was listed: {}", page["meta"]);
    ensure!(
        page["messages"].as_array().is_some_and(|items| items.len() as u64 == PAGE),
        "it is a whole page"
    );
    let request = |path: &str| Request { method: "GET", path: format!("/v1/{path}"), body: String::new() };
    let (first, deep) = ([request(&first)], [request(&deep)]);
    for requests in [&first, &deep] {
        load(requests, LISTS).run(bench, server)?;
    }
    for _ in 0..bench.rounds {
        let at_first = load(&first, LISTS).run(bench, server)?;
        let at_deep = load(&deep, LISTS).run(bench, server)?;
        table.note("lists/s, page 10,000 / page 1", at_deep.per_second / at_first.per_second);
        table.note("lists/s, page 1", at_first.per_second);
        table.note("p99 of a list, page 1, ms", at_first.p99);
        table.note("p99 of a list, page 10,000, ms", at_deep.p99);
    }
    Ok(())
}

/// The token that whoever has turned 9,999 pages holds: that of the second page, with another index.
fn token(bench: &Bench, server: &Server, first: &str) -> anyhow::Result<String> {
    let page = bench.wait(server.api.get(first))?;
    let next = page["meta"]["next_page_url"].as_str().context("there is a second page")?;
    let token = next.split_once("PageToken=PT").context("it has a token")?.1;
    let json = String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(token)?)?;
    let at = serde_json::from_str::<Value>(&json)?["at"].as_u64().context("it says where")?;
    ensure!(at == PAGE - 1, "the first page ends with {at}");
    let moved = json.replacen(&format!("\"at\":{at}"), &format!("\"at\":{}", FIRST_OF_LAST - 1), 1);
    Ok(format!("PT{}", BASE64_URL_SAFE_NO_PAD.encode(moved)))
}
