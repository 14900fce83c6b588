//! A conversation of 200,000 messages is deleted while others write: they hardly notice.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use conversations::{Conversation, Message, Participant, User, memberships::Membership};
use server::{Listeners, Server, Settings};
use store::{StoreError, Tx};
use testkit::{Database, Engine, House, figure};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::copies::{Fill, bytes, copy, copy_messages, of, post, sid};
use crate::conformance::one;
use crate::rest::conversation;

const MESSAGES: u32 = 200_000;
const PARTICIPANTS: u32 = 1_000;
const WRITERS: usize = 16;
/// How long it is quiet each time.
const QUIET: Duration = Duration::from_secs(8);

/// What a user's head is made of.
const USER_HEADS: (&str, &str) =
    ("user_heads", "sid, chat_service_sid, position, profile_position, memberships");

/// A conversation of that size; its path. Its users are those of the numbers from `first`.
async fn large(house: &House, first: u32) -> String {
    let room = conversation(house).await;
    let guest = post(house, &format!("{room}/Participants"), &format!("Identity=guest-{first}")).await;
    let room_sid = bytes::<Conversation>(&room);
    let of_room = ("conversation_sid", Fill::Sid(room_sid));
    let user = house.get(&format!("/v1/Users/guest-{first}")).await.sid();
    let user = bytes::<User>(&user);
    let numbers = || first + 1..first + PARTICIPANTS;
    copy(house, of::<User>(), (vec![("sid", Fill::Sid(user))], numbers()), |number| {
        vec![("sid", Fill::Sid(sid(number))), ("identity", Fill::Text(format!("guest-{number}")))]
    })
    .await;
    copy(house, USER_HEADS, (vec![("sid", Fill::Sid(user))], numbers()), |number| {
        vec![("sid", Fill::Sid(sid(number)))]
    })
    .await;
    let key = vec![of_room.clone(), ("user_sid", Fill::Sid(user))];
    copy(house, of::<Membership>(), (key, numbers()), |number| {
        vec![("user_sid", Fill::Sid(sid(number))), ("participant_sid", Fill::Sid(sid(number)))]
    })
    .await;
    let key = vec![of_room, ("sid", Fill::Sid(bytes::<Participant>(&guest.sid())))];
    copy(house, of::<Participant>(), (key, numbers()), |number| {
        vec![
            ("sid", Fill::Sid(sid(number))),
            ("user_sid", Fill::Sid(sid(number))),
            ("identity", Fill::Text(format!("guest-{number}"))),
            ("position_added", Fill::Number(i64::from(number) + 1_000)),
        ]
    })
    .await;
    let message =
        post(house, &format!("{room}/Messages"), "Body=A+few+words+as+people+write+them").await.sid();
    copy_messages(house, bytes::<Message>(&message), first + 1..first + MESSAGES).await;
    // More than a few members are left to housekeeping, which the head decides.
    let count = move |tx: &mut Tx<'_>| {
        let sql = "UPDATE conversation_heads SET participants = $2 WHERE sid = $1";
        tx.execute(sql, &[&room_sid, &i64::from(PARTICIPANTS)])
    };
    house.app.store().write::<_, StoreError>(store::Roots::none(), count).await.expect("it is written");
    room
}

/// Lets people write in conversations of their own until `end` is there; the time of each message.
async fn chat<T>(house: &House, rooms: &[String], end: impl Future<Output = T>) -> (Vec<Duration>, T) {
    let is_over = Arc::new(AtomicBool::new(false));
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let (house, is_over, rooms) = (house.clone(), Arc::clone(&is_over), rooms.to_vec());
        writers.spawn(async move {
            let mut times = Vec::new();
            for room in rooms.iter().cycle().skip(writer) {
                if is_over.load(Ordering::SeqCst) {
                    break;
                }
                #[expect(clippy::disallowed_methods, reason = "a duration is measured")]
                let start = Instant::now();
                assert_eq!(house.post(&format!("{room}/Messages"), "Body=hello").await.code(), "201");
                times.push(start.elapsed());
            }
            times
        });
    }
    let ended = end.await;
    is_over.store(true, Ordering::SeqCst);
    (writers.join_all().await.concat(), ended)
}

/// Waits until housekeeping has removed everything; the time that it took.
async fn delete(house: &House, path: &str) -> Duration {
    #[expect(clippy::disallowed_methods, reason = "a duration is measured")]
    let start = Instant::now();
    assert_eq!(house.delete(path).await.code(), "204");
    assert!(start.elapsed() < Duration::from_secs(2), "the answer took {:?}", start.elapsed());
    assert_eq!(house.get(path).await.code(), "404 20404");
    let purges = |tx: &mut Tx<'_>| tx.row("SELECT COUNT(*) FROM purges", &[], one::<i64>);
    let is_done = testkit::holds_within(Duration::from_mins(4), async || {
        house.app.store().read::<_, StoreError>(purges).await.expect("the store reads") == Some(0)
    });
    assert!(is_done.await, "housekeeping is not done");
    start.elapsed()
}

fn percentile(times: &mut [Duration], hundredths: usize) -> f64 {
    times.sort();
    times[(times.len() - 1) * hundredths / 100].as_secs_f64() * 1e3
}

async fn others_hardly_notice(engine: Engine) {
    let database = Database::create(engine).await;
    let house = House::open(engine, &database, Settings::default()).await;
    let large = [large(&house, 1_000_000).await, large(&house, 2_000_000).await];
    let mut rooms = Vec::new();
    for _ in 0..100 {
        rooms.push(conversation(&house).await);
    }
    database.analyze(1).await;
    let api = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let server = Server::start(Arc::clone(&house.app), Listeners { api, metrics: None }).expect("it starts");
    chat(&house, &rooms, tokio::time::sleep(QUIET / 2)).await;
    let (mut quiet, mut busy) = (Vec::new(), Vec::new());
    for path in &large {
        let (times, ()) = chat(&house, &rooms, tokio::time::sleep(QUIET)).await;
        tell(engine, "quiet", times.clone(), QUIET);
        quiet.extend(times);
        let (times, took) = chat(&house, &rooms, delete(&house, path)).await;
        tell(engine, "while deleting", times.clone(), took);
        busy.extend(times);
    }
    let ratio = percentile(&mut busy, 99) / percentile(&mut quiet, 99);
    figure(&format!("{:8} p99 while deleting / quiet: {ratio:.2}", format!("{engine:?}")));
    server.stop().await;
    drop(house);
    database.remove().await;
    assert!(ratio <= 2.0, "p99 of others is {ratio:.2} of the quiet one on {engine:?}");
}

fn tell(engine: Engine, when: &str, mut times: Vec<Duration>, took: Duration) {
    let (p50, p99) = (percentile(&mut times, 50), percentile(&mut times, 99));
    let rate = f64::from(u32::try_from(times.len()).unwrap_or(u32::MAX)) / took.as_secs_f64();
    figure(&format!(
        "{:8} {when:15} {:5.1} s: {rate:6.0} messages/s of {WRITERS} writers, p50 {p50:.2} ms, p99 {p99:.2} ms",
        format!("{engine:?}"),
        took.as_secs_f64()
    ));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes a release build and minutes: part of make soak"]
async fn others_hardly_notice_a_large_deletion_on_sqlite() {
    others_hardly_notice(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes a release build and minutes: part of make soak"]
async fn others_hardly_notice_a_large_deletion_on_postgres() {
    others_hardly_notice(Engine::Postgres).await;
}
