//! What operations cost, counted: a regression is caught without a clock.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use conversations::Conversation;
use serde_json::{Value, json};
use server::Settings;
use store::{Observer, Opening, Roots, StoreError, Tx};
use testkit::{Database, Engine, House, Receiver, holds_within, webhooks_inside};
use wire::Sid;

/// Longer than anything takes.
const LONG: Duration = Duration::from_secs(20);

/// Statements, commits, and how often a thread of the store waits for PostgreSQL.
type Cost = (u64, u64, u64);

/// What an operation costs on SQLite, where nobody waits, and on PostgreSQL.
type Line = (&'static str, (u64, u64), Cost);

/// What is done often, and what each costs. A failing test tells the lines that would be right.
const OPERATIONS: &[Line] = &[
    ("create message", (3, 1), (3, 1, 2)),
    ("create conversation", (3, 1), (3, 1, 2)),
    ("create conversation with a name", (4, 1), (4, 1, 3)),
    ("create participant, a new user", (13, 1), (13, 1, 10)),
    ("create participant, a known user", (10, 1), (14, 2, 15)),
    ("create participant by SMS", (6, 1), (6, 1, 7)),
    ("create conversation with two participants", (20, 1), (23, 2, 16)),
    ("read horizon of a user", (5, 1), (5, 1, 2)),
    ("read horizon of a participant", (8, 1), (11, 1, 9)),
    ("fetch participant", (1, 0), (1, 0, 1)),
    ("fetch participant by identity", (1, 0), (1, 0, 1)),
    ("fetch message", (2, 0), (2, 0, 1)),
    ("fetch conversation", (2, 0), (2, 0, 1)),
    ("fetch conversation by its name", (2, 0), (2, 0, 2)),
    ("fetch user", (2, 0), (2, 0, 1)),
    ("fetch conversation of a user", (1, 0), (1, 0, 1)),
    ("fetch participant below its service", (2, 0), (2, 0, 1)),
    ("fetch message of a client", (5, 0), (5, 0, 5)),
    ("list messages, 50 of 61", (2, 0), (2, 0, 2)),
    ("list messages, the newest", (2, 0), (2, 0, 2)),
    ("list conversations of a user", (2, 0), (2, 0, 2)),
    ("message of a client", (12, 1), (12, 1, 8)),
    ("read horizon of a client", (8, 1), (8, 1, 5)),
];

/// Counts what the store does.
#[derive(Default)]
struct Counted {
    statements: AtomicU64,
    commits: AtomicU64,
    waits: AtomicU64,
}

impl Observer for Counted {
    fn committed(&self, _: usize, _: Duration) {
        self.commits.fetch_add(1, Ordering::SeqCst);
    }

    fn statements(&self, count: u64) {
        self.statements.fetch_add(count, Ordering::SeqCst);
    }

    fn waits(&self) {
        self.waits.fetch_add(1, Ordering::SeqCst);
    }
}

impl Counted {
    fn take(&self) -> (u64, u64) {
        let (statements, commits, _) = self.cost();
        (statements, commits)
    }

    /// What it was since it was last asked.
    fn cost(&self) -> Cost {
        let count = |count: &AtomicU64| count.swap(0, Ordering::SeqCst);
        (count(&self.statements), count(&self.commits), count(&self.waits))
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

/// Six messages of three authors, of whom two take part, in one batch. How often a thread has waited.
async fn waits_of_one_batch(house: &House, counted: &Counted, path: &str) -> u64 {
    let store = house.app.store();
    let root = Conversation::root(path.rsplit('/').next().and_then(Sid::parse).expect("a sid"));
    let is_shut = Arc::new(AtomicBool::new(false));
    let (open, opened) = mpsc::channel::<()>();
    let (opened, shut) = (Mutex::new(opened), Arc::clone(&is_shut));
    let hold = move |_: &mut Tx<'_>| {
        shut.store(true, Ordering::SeqCst);
        let _ = opened.lock().expect("nobody panics with it").recv();
        Ok::<_, StoreError>(())
    };
    // An opening, so that it is held by the writer of messages.
    let gate = store.write_opening(Roots::one(root), Some(Opening::new("SELECT 1")), hold);
    let post = async |author: &str| {
        assert!(holds_within(LONG, async || is_shut.load(Ordering::SeqCst)).await);
        let form = format!("Author={author}&Body=hello");
        assert_eq!(house.post(&format!("{path}/Messages"), &form).await.code(), "201");
    };
    let opens = async {
        assert!(holds_within(LONG, async || store.queue_depth() == 6).await);
        drop(open);
    };
    counted.cost();
    let (gate, ..) = tokio::join!(
        gate,
        opens,
        post("alice"),
        post("bob"),
        post("alice"),
        post("carol"),
        post("alice"),
        post("bob")
    );
    gate.expect("the gate is a job that does nothing");
    counted.cost().2
}

#[tokio::test]
async fn messages_into_one_conversation_wait_together_whoever_writes_them() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let (database, counted) = (Database::create(engine).await, Arc::new(Counted::default()));
        let house =
            House::open_watched(engine, &database, (Settings::default(), Arc::clone(&counted) as _)).await;
        let path = crate::rest::conversation(&house).await;
        for identity in ["alice", "bob"] {
            house.post(&format!("{path}/Participants"), &format!("Identity={identity}")).await;
        }
        let mut least = u64::MAX;
        for _ in 0..3 {
            least = least.min(waits_of_one_batch(&house, &counted, &path).await);
        }
        // For what begins the batch and for COMMIT; and the same for the gate before it.
        assert_eq!(least, if engine == Engine::Postgres { 2 + 2 } else { 0 });
        let list = house.get(&format!("{path}/Messages?PageSize=50")).await.json();
        let messages = list["messages"].as_array().expect("a list");
        assert!(messages.iter().enumerate().all(|(place, one)| one["index"] == place), "{messages:?}");
        let count = |author: &str, member: &Value| {
            let of_author = |one: &&Value| one["author"] == author && one["participant_sid"] == *member;
            messages.iter().filter(of_author).count()
        };
        let alice = house.get(&format!("{path}/Participants/alice")).await.sid();
        let bob = house.get(&format!("{path}/Participants/bob")).await.sid();
        assert_eq!(
            [count("alice", &json!(alice)), count("bob", &json!(bob)), count("carol", &Value::Null)],
            [9, 6, 3]
        );
        house.close();
        drop(house);
        database.remove().await;
    }
}

/// What was counted of each operation, in the order of the table.
struct Costs<'a> {
    counted: &'a Counted,
    told: Vec<(&'static str, Cost)>,
}

impl Costs<'_> {
    /// The least of a few runs, as above.
    async fn of(&mut self, what: &'static str, run: impl AsyncFn(usize)) {
        let mut least = (u64::MAX, u64::MAX, u64::MAX);
        for round in 0..3 {
            self.counted.cost();
            run(round).await;
            let cost = self.counted.cost();
            least = (least.0.min(cost.0), least.1.min(cost.1), least.2.min(cost.2));
        }
        self.told.push((what, least));
    }
}

async fn costs(engine: Engine) -> Vec<(&'static str, Cost)> {
    let (database, counted) = (Database::create(engine).await, Arc::new(Counted::default()));
    let watched = (Settings::default(), Arc::clone(&counted) as _);
    let house = House::open_watched(engine, &database, watched).await;
    let path = crate::rest::conversation(&house).await;
    let (conversation, messages) = (path.rsplit('/').next().expect("a sid"), format!("{path}/Messages"));
    let alice = house.post(&format!("{path}/Participants"), "Identity=alice").await.sid();
    for _ in 0..60 {
        house.post(&messages, "Body=hello&Author=alice").await;
    }
    let message = house.post(&messages, "Body=last&Author=alice").await.sid();
    let client = house.client("alice").await;
    let mut costs = Costs { counted: &counted, told: Vec::new() };
    let post = async |path: &str, form: &str, code: &str| {
        assert_eq!(house.post(path, form).await.code(), code, "{path}");
    };
    let get = async |path: &str| assert_eq!(house.get(path).await.code(), "200", "{path}");
    let participants = format!("{path}/Participants");

    let send = async |_| post(&messages, "Body=hello&Author=alice", "201").await;
    costs.of("create message", send).await;
    costs.of("create conversation", async |_| post("/v1/Conversations", "", "201").await).await;
    let named = async |round| post("/v1/Conversations", &format!("UniqueName=n{round}"), "201").await;
    costs.of("create conversation with a name", named).await;
    let stranger = async |round| post(&participants, &format!("Identity=new-{round}"), "201").await;
    costs.of("create participant, a new user", stranger).await;
    for round in 0..3 {
        house.post("/v1/Users", &format!("Identity=known-{round}")).await;
    }
    let known = async |round| post(&participants, &format!("Identity=known-{round}"), "201").await;
    costs.of("create participant, a known user", known).await;
    let sms = async |round| {
        let form = format!(
            "MessagingBinding.Address=%2B1501712266{round}&MessagingBinding.ProxyAddress=%2B15017122670"
        );
        post(&participants, &form, "201").await;
    };
    costs.of("create participant by SMS", sms).await;
    let with = async |round| {
        let form = format!(
            "Participant=%7B%22identity%22%3A%22both-{round}%22%7D&Participant=%7B%22identity%22%3A%22alice%22%7D"
        );
        post("/v1/ConversationWithParticipants", &form, "202").await;
    };
    costs.of("create conversation with two participants", with).await;
    let horizon = async |round| {
        let form = format!("LastReadMessageIndex={}", round + 1);
        post(&format!("/v1/Users/alice/Conversations/{conversation}"), &form, "200").await;
    };
    costs.of("read horizon of a user", horizon).await;
    let horizon = async |round| {
        let form = format!("LastReadMessageIndex={}", round + 10);
        post(&format!("{participants}/{alice}"), &form, "200").await;
    };
    costs.of("read horizon of a participant", horizon).await;
    costs.of("fetch participant", async |_| get(&format!("{participants}/{alice}")).await).await;
    costs.of("fetch participant by identity", async |_| get(&format!("{participants}/alice")).await).await;
    costs.of("fetch message", async |_| get(&format!("{messages}/{message}")).await).await;
    costs.of("fetch conversation", async |_| get(&path).await).await;
    costs.of("fetch conversation by its name", async |_| get("/v1/Conversations/n0").await).await;
    costs.of("fetch user", async |_| get("/v1/Users/alice").await).await;
    let of_user = format!("/v1/Users/alice/Conversations/{conversation}");
    costs.of("fetch conversation of a user", async |_| get(&of_user).await).await;
    let service = house.get("/v1/Configuration").await.field("default_chat_service_sid");
    let below = format!("/v1/Services/{service}/Conversations/{conversation}/Participants/{alice}");
    costs.of("fetch participant below its service", async |_| get(&below).await).await;
    let mine = format!("/Conversations/{conversation}/Messages/{message}");
    let fetch = async |_| assert_eq!(client.get(&mine).await.code(), "200");
    costs.of("fetch message of a client", fetch).await;
    costs.of("list messages, 50 of 61", async |_| get(&format!("{messages}?PageSize=50")).await).await;
    costs.of("list messages, the newest", async |_| get(&format!("{messages}?Order=desc")).await).await;
    costs.of("list conversations of a user", async |_| get("/v1/Users/alice/Conversations").await).await;
    let send = async |_| {
        let reply =
            client.post(&format!("/Conversations/{conversation}/Messages"), "{\"body\":\"hi\"}").await;
        assert_eq!(reply.code(), "201");
    };
    costs.of("message of a client", send).await;
    let read = async |round| {
        let body = format!("{{\"last_read_message_index\":{}}}", round + 20);
        assert_eq!(client.post(&client.mine(&format!("/{conversation}")), &body).await.code(), "200");
    };
    costs.of("read horizon of a client", read).await;
    let told = costs.told;
    house.close();
    drop((client, house));
    database.remove().await;
    told
}

#[tokio::test]
async fn what_is_done_often_costs_what_the_table_says() {
    let (sqlite, postgres) = (costs(Engine::Sqlite).await, costs(Engine::Postgres).await);
    let both = sqlite.into_iter().zip(postgres);
    let told: Vec<_> = both
        .map(|((what, (statements, commits, waits)), (_, postgres))| {
            assert_eq!(waits, 0, "{what}: nobody waits for SQLite");
            (what, (statements, commits), postgres)
        })
        .collect();
    let other = told.iter().filter(|line| !OPERATIONS.contains(line));
    let other: Vec<_> = other.map(|line| format!("    {line:?},\n")).collect();
    assert!(other.is_empty(), "the table has other figures than\n{}", other.concat());
    assert_eq!(told.len(), OPERATIONS.len(), "all that the table has");
}
