//! A user with one conversation against one with a thousand.

use crate::bench::Bench;
use crate::filling::{EVERYWHERE, ONCE};
use crate::load::Request;
use crate::server::Server;
use crate::table::Table;

use super::Grown;
use super::sizes::load;

const LISTS: usize = 2000;
const WRITES: usize = 5000;

/// Both write into the same conversation, so that only the number of those that they are in differs.
pub fn measure(bench: &Bench, server: &Server, grown: &Grown, table: &mut Table) -> anyhow::Result<()> {
    let [once, often, everywhere] = &grown.users[..] else { anyhow::bail!("there are three such users") };
    let Some(place) = grown.town.conversations.first() else { return Ok(()) };
    let list = |user: &String| {
        let path = format!("/v1/Users/{user}/Conversations?PageSize=50");
        [Request { method: "GET", path, body: String::new() }]
    };
    let create = |author: &str| {
        let path = format!("/v1/Conversations/{}/Messages", place.sid);
        [Request { method: "POST", path, body: format!("Author={author}&Body=On+its+way") }]
    };
    let horizon = |user: &String| {
        let path = format!("/v1/Users/{user}/Conversations/{}", place.sid);
        [Request { method: "POST", path, body: "LastReadMessageIndex=0".to_owned() }]
    };
    let rate = |requests: &[Request], count| anyhow::Ok(load(requests, count).run(bench, server)?.per_second);
    rate(&create(ONCE), WRITES)?;
    for _ in 0..bench.rounds {
        let [single, page, all] =
            [rate(&list(once), LISTS)?, rate(&list(often), LISTS)?, rate(&list(everywhere), LISTS)?];
        table.note("user conversations, lists/s, in 1,000 / in 50", all / page);
        table.note("user conversations, lists/s, in 1,000 / in 1", all / single);
        table.note("user conversations, lists/s, in 1,000", all);
        let ratio = rate(&create(EVERYWHERE), WRITES)? / rate(&create(ONCE), WRITES)?;
        table.note("creates/s by who is in 1,000 / in 1", ratio);
        let ratio = rate(&horizon(everywhere), WRITES)? / rate(&horizon(once), WRITES)?;
        table.note("horizons/s of who is in 1,000 / in 1", ratio);
    }
    Ok(())
}
