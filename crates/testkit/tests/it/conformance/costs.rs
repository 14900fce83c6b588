//! What operations cost, counted: a regression is caught without a clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use server::Settings;
use store::Observer;
use testkit::{Database, Engine, House, Receiver, webhooks_inside};

/// Counts what the store does.
#[derive(Default)]
struct Counted {
    statements: AtomicU64,
    commits: AtomicU64,
}

impl Observer for Counted {
    fn committed(&self, _: usize, _: Duration) {
        self.commits.fetch_add(1, Ordering::SeqCst);
    }

    fn statements(&self, count: u64) {
        self.statements.fetch_add(count, Ordering::SeqCst);
    }
}

impl Counted {
    fn take(&self) -> (u64, u64) {
        (self.statements.swap(0, Ordering::SeqCst), self.commits.swap(0, Ordering::SeqCst))
    }
}

/// Statements and commits of a message. Now and then a request reads its credentials again, so that the least of
/// a few is told.
async fn of_message(house: &House, counted: &Counted, path: &str) -> (u64, u64) {
    let mut least = (u64::MAX, u64::MAX);
    for _ in 0..3 {
        counted.take();
        let form = "Body=hello&Author=alice&Attributes=%7B%22order%22%3A4711%7D";
        assert_eq!(house.post_heard(&format!("{path}/Messages"), form).await.code(), "201");
        least = least.min(counted.take());
    }
    least
}

#[tokio::test]
async fn a_message_costs_few_statements_and_one_commit_whoever_hears_of_it() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let (database, counted) = (Database::create(engine).await, Arc::new(Counted::default()));
        let settings = Settings { webhooks: webhooks_inside(), ..Settings::default() };
        let house = House::open_watched(engine, &database, (settings, Arc::clone(&counted) as _)).await;
        let path = crate::rest::conversation(&house).await;
        // The head with who the author is in it, its counters, the row, and who listens.
        assert_eq!(of_message(&house, &counted, &path).await, (4, 1), "{engine:?}, nobody listens");
        let receiver = Receiver::start().await;
        let form = format!("PostWebhookUrl={}&Filters=onMessageAdded", receiver.url());
        house.post("/v1/Configuration/Webhooks", &form).await;
        // And the messaging service, the event, the delivery, and its lane.
        assert_eq!(of_message(&house, &counted, &path).await, (8, 1), "{engine:?}, one listens");
        let url = receiver.url();
        let form = format!("Target=webhook&Configuration.Url={url}&Configuration.Filters=onMessageAdded");
        house.post(&format!("{path}/Webhooks"), &form).await;
        // And another delivery, and its lane.
        assert_eq!(of_message(&house, &counted, &path).await, (10, 1), "{engine:?}, two listen");
        house.close();
        drop(house);
        database.remove().await;
    }
}
