//! Long lists: what a page costs does not depend on how far one has paged.
//!
//! The lists are those of the API, asked for over HTTP. What is looked at is how the databases run the very
//! statements that these requests run: their plans, and the rows that they read. In the soak the lists of
//! conversations and of messages have 100,000 rows, and the time of some pages is told; see [`is_full`].

mod activity;
mod copies;
mod deletion;
mod plans;

use std::fmt::Write;
use std::sync::Arc;
use std::time::Instant;

use server::Settings;
use testkit::{ACCOUNT_SID, Database, Engine, House, Reply, figure, is_full};

use copies::{Town, fill};
use plans::{Plans, Work};

/// One list of the API.
struct List {
    name: &'static str,
    path: String,
    rows: u32,
    /// Whether its order is none that an index has, so that all of a user's rows are sorted for each page.
    is_sorted: bool,
}

const SIZE: usize = 50;

fn lists(town: &Town) -> Vec<List> {
    let Town { many, some, room, message, service, .. } = town;
    let keys = format!("/2010-04-01/Accounts/{ACCOUNT_SID}/Keys.json?");
    let list = |name, path: String, rows| List { name, path, rows, is_sorted: false };
    vec![
        list("conversations", "/v1/Conversations?".to_owned(), *many),
        list("conversations, closed", "/v1/Conversations?State=closed&".to_owned(), town.closed),
        list(
            "conversations, by date",
            "/v1/Conversations?StartDate=2020-01-01&EndDate=2030-01-01&".to_owned(),
            *many,
        ),
        list("messages", format!("{room}/Messages?"), *many),
        list("messages, newest first", format!("{room}/Messages?Order=desc&"), *many),
        list("participants", format!("{room}/Participants?"), *some),
        list("receipts", format!("{message}/Receipts?"), *some),
        list("webhooks of a conversation", format!("{room}/Webhooks?"), town.few),
        list(
            "conversations of an identity",
            "/v1/ParticipantConversations?Identity=alice&".to_owned(),
            town.joined,
        ),
        list(
            "conversations of an address",
            "/v1/ParticipantConversations?Address=%2B15558675310&".to_owned(),
            town.joined,
        ),
        List {
            is_sorted: true,
            ..list("conversations of a user", "/v1/Users/bob/Conversations?".to_owned(), town.bobs)
        },
        list("users", "/v1/Users?".to_owned(), *some),
        list("services", "/v1/Services?".to_owned(), *some),
        list("roles", "/v1/Roles?".to_owned(), *some),
        list("bindings", format!("/v1/Services/{service}/Bindings?"), *some),
        list("bindings, of a type", format!("/v1/Services/{service}/Bindings?BindingType=fcm&"), *some),
        list("credentials", "/v1/Credentials?".to_owned(), *some),
        list("address configurations", "/v1/Configuration/Addresses?".to_owned(), *some),
        list("keys", keys, *some),
    ]
}

/// The path of the page after this one.
fn next(reply: &Reply) -> Option<String> {
    beside(reply, ["next_page_uri", "next_page_url"])
}

/// Accounts of 2010 say the first, which is no URL; everybody else the second.
fn beside(reply: &Reply, [uri, url]: [&str; 2]) -> Option<String> {
    let body = reply.json();
    let beside = body.get("meta").map_or_else(|| body[uri].clone(), |meta| meta[url].clone());
    let beside = beside.as_str()?;
    Some(beside.strip_prefix("http://tertulia.test").unwrap_or(beside).to_owned())
}

/// The path of the page before this one.
fn previous(reply: &Reply) -> Option<String> {
    beside(reply, ["previous_page_uri", "previous_page_url"])
}

/// How many rows a page shows.
fn shown(reply: &Reply) -> usize {
    let body = reply.json();
    let rows = body.as_object().expect("an object").values().find_map(serde_json::Value::as_array);
    rows.expect("a list").len()
}

/// The path of every page, and how many rows they show together.
async fn walk(house: &House, list: &List) -> (Vec<String>, usize) {
    let mut paths = vec![format!("{}PageSize={SIZE}", list.path)];
    let mut rows = 0;
    loop {
        let path = paths.last().expect("there is a first");
        let reply = house.get(path).await;
        assert_eq!(reply.code(), "200", "{path}");
        rows += shown(&reply);
        match next(&reply) {
            Some(next) => paths.push(next),
            None => return (paths, rows),
        }
    }
}

/// What the statements of one page do.
async fn examined(house: &House, plans: &Plans, path: &str) -> Work {
    plans.begin();
    assert_eq!(house.get(path).await.code(), "200");
    plans.end(house.engine)
}

/// Walks a list, and looks at its first page, one in the middle, and the last full one.
async fn look(house: &House, plans: &Plans, list: &List) {
    let List { name, rows, is_sorted, .. } = list;
    let (paths, found) = walk(house, list).await;
    assert_eq!(found, *rows as usize, "rows of {name} on {:?}", house.engine);
    let last_full = paths.len() - 2;
    let first = examined(house, plans, &paths[0]).await;
    let mut later = Vec::new();
    for place in [last_full / 2, last_full] {
        later.push(examined(house, plans, &paths[place]).await);
        // And back, from the page that follows it.
        let before = previous(&house.get(&paths[place + 1]).await).expect("it is not the first");
        later.push(examined(house, plans, &before).await);
    }
    for work in later.iter().chain([&first]) {
        work.check(name, *is_sorted);
        // The seek itself is more work than none, and rows that were deleted lie here and there.
        let allowed = first.rows * 5 / 4 + 400;
        assert!(
            work.rows <= allowed,
            "{name} on {:?}: the first page takes {}, a later one {}:\n{}",
            house.engine,
            first.rows,
            work.rows,
            work.told
        );
        let bound = if *is_sorted { Work::of_rows(house.engine, *rows as usize) } else { 0 };
        let bound = bound + Work::of_rows(house.engine, SIZE + 1);
        assert!(work.rows <= bound, "{name} on {:?}: {} of {bound}:\n{}", house.engine, work.rows, work.told);
    }
    if is_full() && (paths.len() > 1_000 || *is_sorted) {
        tell(house, name, &paths).await;
    }
}

/// The time of some pages, each the median of several.
async fn tell(house: &House, name: &str, paths: &[String]) {
    let mut line =
        format!("{:8} {name:28} {:5} pages of {SIZE}:", format!("{:?}", house.engine), paths.len());
    for page in [1, paths.len() / 2, paths.len()] {
        let path = &paths[page - 1];
        let mut times = Vec::new();
        for _ in 0..41 {
            #[expect(
                clippy::disallowed_methods,
                reason = "a duration is measured, no point in time is taken"
            )]
            let start = Instant::now();
            house.get(path).await;
            times.push(start.elapsed());
        }
        times.sort();
        let _ = write!(line, "  page {page} {:.2} ms", times[times.len() / 2].as_secs_f64() * 1e3);
    }
    figure(&line);
}

async fn page_costs_the_same_everywhere(engine: Engine) {
    let database = Database::create(engine).await;
    let plans = Arc::new(Plans::default());
    let house = House::open_watched(engine, &database, (Settings::default(), plans.clone())).await;
    let town = fill(&house).await;
    // Of a table that is short the planner rightly reads all; here it is to plan as for those of the soak.
    database.analyze(if is_full() { 1 } else { 20 }).await;
    for list in lists(&town) {
        look(&house, &plans, &list).await;
    }
    house.close();
    drop(house);
    database.remove().await;
}

#[tokio::test]
async fn a_page_costs_the_same_wherever_it_lies_on_sqlite() {
    page_costs_the_same_everywhere(Engine::Sqlite).await;
}

#[tokio::test]
async fn a_page_costs_the_same_wherever_it_lies_on_postgres() {
    page_costs_the_same_everywhere(Engine::Postgres).await;
}
