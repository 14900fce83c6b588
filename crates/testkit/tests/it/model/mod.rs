//! Random operations against the server and against a model in plain memory: two accounts, three
//! services, a few people, names and phones, so that everything meets everything.
//!
//! Every answer is compared: its status, its code, and what it shows. What fails is shrunk to the
//! shortest history that fails, and printed with the seed it came from; `TERTULIA_TEST_SEED` repeats it.

mod operations;
mod question;
mod world;

use proptest::test_runner::{Config, RngSeed, TestCaseError, TestError, TestRunner};
use server::Settings;
use testkit::{Database, Engine, House, figure};
use tokio::runtime::Runtime;

use operations::{Operation, history};
use question::ask;
use world::World;

fn seed() -> u64 {
    let given = std::env::var("TERTULIA_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
    given.unwrap_or_else(|| u64::from(std::process::id()) * 2_654_435_761)
}

/// How many histories, and of how many operations.
fn amount((cases, length): (u32, usize)) -> (u32, usize) {
    if std::env::var_os("TERTULIA_TEST_SOAK").is_some() { (cases * 10, length * 2) } else { (cases, length) }
}

/// Lives one history twice, in the server and in the model.
async fn live(engine: Engine, history: &[Operation]) -> Result<(), String> {
    let database = Database::create(engine).await;
    let house = House::open(engine, &database, Settings::default()).await;
    let mut world = World::new(&house).await;
    let mut difference = None;
    for (place, operation) in history.iter().enumerate() {
        house.clock.advance_seconds(1);
        let question = world.question(operation);
        let expected = world.expect(operation);
        let (got, sid) = ask(&house, world.door(question.0), &question, operation).await;
        if let Some(sid) = sid {
            world.learn(operation, sid);
        }
        if expected != got {
            difference = Some(format!("operation {place}, {operation:?}: expected {expected}, got {got}"));
            break;
        }
    }
    house.close();
    drop(house);
    database.remove().await;
    difference.map_or(Ok(()), Err)
}

fn compare(engine: Engine, usual: (u32, usize)) {
    let seed = seed();
    let (cases, length) = amount(usual);
    if usual != (cases, length) {
        figure(&format!(
            "{:8} model: {cases} histories of up to {length}, seed {seed}",
            format!("{engine:?}")
        ));
    }
    let config = Config {
        cases,
        rng_seed: RngSeed::Fixed(seed),
        failure_persistence: None,
        max_shrink_iters: 2_000,
        ..Config::default()
    };
    let runtime = Runtime::new().expect("a runtime");
    let lived = TestRunner::new(config).run(&history(length), |history| {
        runtime.block_on(live(engine, &history)).map_err(TestCaseError::fail)
    });
    match lived {
        Ok(()) => {}
        Err(TestError::Fail(reason, history)) => {
            panic!("{engine:?}, seed {seed}: {reason}\nin the shortest history found: {history:#?}")
        }
        Err(TestError::Abort(reason)) => panic!("{engine:?}, seed {seed}: {reason}"),
    }
}

#[test]
fn sqlite_answers_as_the_model_does() {
    compare(Engine::Sqlite, (60, 60));
}

#[test]
fn postgres_answers_as_the_model_does() {
    compare(Engine::Postgres, (6, 60));
}
