//! What is read for jobs before they run: nobody can tell, whatever the jobs do.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use store::{Opening, Roots, StoreError, Tx, Value};
use tokio::task::JoinSet;

use crate::bed::{Bed, Engine, Item, gated, key, on_both, root};

const LOOK: &str = "SELECT total FROM heads WHERE sid = $1";
const DIVIDE: &str = "SELECT total / $2 FROM heads WHERE sid = $1";
const SET: &str = "UPDATE heads SET total = $2 WHERE sid = $1";

type Body = fn(&mut Tx<'_>, u8) -> Result<i64, Problem>;

type Job = (u8, Option<Opening>, Body);

/// What a job may answer.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Problem {
    Refused,
    Internal,
}

impl From<StoreError> for Problem {
    fn from(_: StoreError) -> Self {
        Self::Internal
    }
}

fn looks(tx: &mut Tx<'_>, head: u8) -> Result<i64, Problem> {
    Ok(tx.row(LOOK, &[&key(head)], |row| row.next())?.unwrap_or(-1))
}

fn counts(tx: &mut Tx<'_>, head: u8) -> Result<i64, Problem> {
    let total = looks(tx, head)? + 1;
    tx.put(SET, &[&key(head), &total])?;
    tx.append(&Item { name: format!("{head} at {total}") })?;
    Ok(total)
}

/// Says what it leaves.
fn leaves(tx: &mut Tx<'_>, head: u8) -> Result<i64, Problem> {
    let total = looks(tx, head)? + 1;
    tx.put_leaving((SET, &[&key(head), &total]), (LOOK, &[&key(head)], &[&total]))?;
    tx.append(&Item { name: format!("{head} left at {total}") })?;
    Ok(total)
}

fn leaves_and_refuses(tx: &mut Tx<'_>, head: u8) -> Result<i64, Problem> {
    leaves(tx, head)?;
    Err(Problem::Refused)
}

/// Leaves what it then changes.
fn leaves_too_early(tx: &mut Tx<'_>, head: u8) -> Result<i64, Problem> {
    let total = leaves(tx, head)? + 10;
    tx.put(SET, &[&key(head), &total])?;
    Ok(total)
}

/// Leaves what it has changed before, and more than that.
fn leaves_too_late(tx: &mut Tx<'_>, head: u8) -> Result<i64, Problem> {
    let total = looks(tx, head)? + 5;
    tx.execute("UPDATE heads SET total = total + 5 WHERE sid = $1", &[&key(head)])?;
    tx.put_leaving((SET, &[&key(head), &total]), (LOOK, &[&key(head)], &[&-1]))?;
    Ok(total)
}

/// Leaves the row of another statement.
fn leaves_something_else(tx: &mut Tx<'_>, head: u8) -> Result<i64, Problem> {
    let total = looks(tx, head)? + 3;
    tx.put_leaving((SET, &[&key(head), &total]), (DIVIDE, &[&key(head)], &[&total]))?;
    Ok(total)
}

/// Leaves the row and asks for it again.
fn leaves_and_looks(tx: &mut Tx<'_>, head: u8) -> Result<i64, Problem> {
    leaves(tx, head)?;
    looks(tx, head)
}

fn refuses_at_once(_: &mut Tx<'_>, _: u8) -> Result<i64, Problem> {
    Err(Problem::Refused)
}

fn refuses_late(tx: &mut Tx<'_>, head: u8) -> Result<i64, Problem> {
    counts(tx, head)?;
    Err(Problem::Refused)
}

fn panics_late(tx: &mut Tx<'_>, head: u8) -> Result<i64, Problem> {
    counts(tx, head)?;
    panic!("{head} panics on purpose")
}

#[expect(clippy::unnecessary_wraps, reason = "it is one body among others")]
fn does_nothing(_: &mut Tx<'_>, _: u8) -> Result<i64, Problem> {
    Ok(0)
}

fn writes_first(tx: &mut Tx<'_>, head: u8) -> Result<i64, Problem> {
    tx.put(SET, &[&key(head), &50])?;
    looks(tx, head)
}

fn asks_something_else_first(tx: &mut Tx<'_>, head: u8) -> Result<i64, Problem> {
    let found = tx.row("SELECT total + 7 FROM heads WHERE sid = $1", &[&key(head)], |row| row.next())?;
    Ok(found.unwrap_or(-1) + looks(tx, head)?)
}

fn divides_by_nothing(tx: &mut Tx<'_>, head: u8) -> Result<i64, Problem> {
    Ok(tx.row(DIVIDE, &[&key(head), &0], |row| row.next())?.unwrap_or(-1))
}

fn divides_by_text(tx: &mut Tx<'_>, head: u8) -> Result<i64, Problem> {
    Ok(tx.row(DIVIDE, &[&key(head), &"no number"], |row| row.next())?.unwrap_or(-1))
}

/// A second root that nobody has declared.
fn locks_another(tx: &mut Tx<'_>, head: u8) -> Result<i64, Problem> {
    tx.lock(&Roots::one(root(255)))?;
    counts(tx, head)
}

fn look(head: u8) -> Opening {
    Opening::new(LOOK).with(&key(head))
}

/// Of a row that others write as well.
fn look_of_row(head: u8) -> Opening {
    look(head).of_row()
}

fn opened_of_row(head: u8, body: Body) -> Job {
    (head, Some(look_of_row(head)), body)
}

fn opened(head: u8, body: Body) -> Job {
    (head, Some(look(head)), body)
}

/// Counts at a root that another job of the batch has declared.
fn counts_at_the_first(tx: &mut Tx<'_>, _: u8) -> Result<i64, Problem> {
    let first = of_one_writer().next().expect("there are many");
    tx.lock(&Roots::one(root(first)))?;
    counts(tx, first)
}

/// Heads whose jobs go to the writer that the gate holds: as the store spreads roots.
fn of_one_writer() -> impl Iterator<Item = u8> {
    let lane = |number: u8| {
        let mixed = u128::from_be_bytes(key(number)).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835);
        (mixed >> 64) % 2
    };
    (2..255).filter(move |number| lane(*number) == lane(1))
}

/// So many of them.
async fn heads(bed: &Bed, count: usize) -> Vec<u8> {
    let heads: Vec<u8> = of_one_writer().take(count).collect();
    for head in &heads {
        bed.add_head(*head).await;
    }
    heads
}

/// Runs jobs in one batch, and gives their answers.
async fn in_one_batch(bed: &Bed, jobs: Vec<Job>) -> Vec<Result<i64, Problem>> {
    let shut = bed.shut().await;
    let mut tasks = JoinSet::new();
    for (place, (head, opening, body)) in jobs.into_iter().enumerate() {
        let store = bed.store.clone();
        let work = move |tx: &mut Tx<'_>| body(tx, head);
        let roots = Roots::one(root(head));
        tasks.spawn(async move { (place, store.write_opening(roots, opening, work).await) });
        bed.queued(place + 1).await;
    }
    shut.open().await;
    let mut answers = tasks.join_all().await;
    answers.sort_by_key(|(place, _)| *place);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

#[test]
fn a_batch_waits_twice_however_many_are_opened() {
    on_both(async |bed| {
        let heads = heads(bed, 12).await;
        for round in 1..=2 {
            let waits = bed.watch.waits.load(Ordering::SeqCst);
            let jobs = heads.iter().map(|head| opened(*head, counts)).collect();
            assert_eq!(in_one_batch(bed, jobs).await, vec![Ok(round); 12]);
            let waits = bed.watch.waits.load(Ordering::SeqCst) - waits;
            // For what begins it and for COMMIT; and the same for the gate.
            assert_eq!(waits, if bed.engine == Engine::Postgres { 2 + 2 } else { 0 });
        }
        assert_eq!(bed.names().await.len(), 24);
        assert_eq!(bed.watch.reruns.load(Ordering::SeqCst), 0);
        assert_eq!(bed.watch.batches.lock().unwrap().last(), Some(&12));
    });
}

#[test]
fn who_comes_second_sees_what_the_first_has_written() {
    on_both(async |bed| {
        let heads = heads(bed, 10).await;
        let jobs = (0..30).map(|place| opened(heads[place % 10], counts)).collect();
        let wanted: Vec<_> = (0..30).map(|place| Ok(1 + place / 10)).collect();
        assert_eq!(in_one_batch(bed, jobs).await, wanted);
        let sets: Body = |tx, head| {
            tx.put(SET, &[&key(head), &100])?;
            Ok(0)
        };
        let jobs = vec![(heads[0], None, sets), opened(heads[0], counts), opened(heads[1], counts)];
        assert_eq!(in_one_batch(bed, jobs).await, [Ok(0), Ok(101), Ok(4)]);
        assert_eq!(bed.watch.reruns.load(Ordering::SeqCst), 0);
    });
}

#[test]
fn who_comes_after_one_that_says_what_it_has_left_need_not_ask() {
    on_both(async |bed| {
        let heads = heads(bed, 4).await;
        let waits = bed.watch.waits.load(Ordering::SeqCst);
        let jobs = (0..32).map(|place| opened_of_row(heads[place % 4], leaves)).collect();
        let wanted: Vec<_> = (0..32).map(|place| Ok(1 + place / 4)).collect();
        assert_eq!(in_one_batch(bed, jobs).await, wanted);
        let waits = bed.watch.waits.load(Ordering::SeqCst) - waits;
        // For what begins it and for COMMIT; and the same for the gate.
        assert_eq!(waits, if bed.engine == Engine::Postgres { 2 + 2 } else { 0 });
        for head in heads {
            assert_eq!(bed.total(head).await, 8);
        }
        assert_eq!(bed.names().await.len(), 32);
        assert_eq!(bed.watch.reruns.load(Ordering::SeqCst), 0);
    });
}

/// Numbers that look like chance, the same in each run.
fn chance(seed: &mut u64, end: usize) -> usize {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    usize::try_from(*seed >> 33).unwrap() % end
}

#[test]
fn a_batch_of_opened_jobs_does_what_they_do_one_by_one() {
    let bodies: [Body; 16] = [
        leaves,
        leaves,
        leaves,
        leaves,
        leaves_and_looks,
        leaves_and_refuses,
        leaves_too_early,
        leaves_too_late,
        leaves_something_else,
        counts,
        looks,
        refuses_at_once,
        refuses_late,
        panics_late,
        writes_first,
        counts_at_the_first,
    ];
    on_both(async |bed| {
        let heads = heads(bed, 3).await;
        for round in 0..60_u64 {
            let mut seed = round;
            // Most of the time nobody fails, so that the batch stays one.
            let choices = if round % 4 == 0 { bodies.len() } else { 5 };
            let count = 4 + chance(&mut seed, 12);
            let jobs: Vec<_> = (0..count)
                .map(|_| {
                    let (head, other) = (heads[chance(&mut seed, 3)], heads[chance(&mut seed, 3)]);
                    let opening = match chance(&mut seed, 12) {
                        0 => None,
                        1 => Some(look(head)),
                        2 => Some(Opening::new(DIVIDE).with(&key(head)).of_row().with(&1)),
                        3 => Some(look_of_row(other)),
                        _ => Some(look_of_row(head)),
                    };
                    let place = chance(&mut seed, choices + usize::from(round % 4 == 1) * 5);
                    (head, opening, bodies[place])
                })
                .collect();
            let alone = || jobs.iter().map(|(head, _, body)| (*head, None, *body));
            begin(bed, &heads).await;
            let mut wanted = Vec::new();
            for job in alone() {
                wanted.extend(in_one_batch(bed, vec![job]).await);
            }
            let (wanted_totals, wanted_names) = (totals(bed, &heads).await, bed.names().await);
            begin(bed, &heads).await;
            assert_eq!(in_one_batch(bed, jobs).await, wanted, "round {round}");
            assert_eq!(totals(bed, &heads).await, wanted_totals, "round {round}");
            assert_eq!(bed.names().await, wanted_names, "round {round}");
        }
    });
}

/// Puts everything where a round begins.
async fn begin(bed: &Bed, heads: &[u8]) {
    let heads = heads.to_owned();
    let work = move |tx: &mut Tx<'_>| {
        tx.execute("DELETE FROM items", &[])?;
        heads.iter().try_for_each(|head| tx.put(SET, &[&key(*head), &0]))
    };
    bed.store.write::<_, StoreError>(gated(), work).await.unwrap();
}

async fn totals(bed: &Bed, heads: &[u8]) -> Vec<i64> {
    let mut totals = Vec::new();
    for head in heads {
        totals.push(bed.total(*head).await);
    }
    totals
}

#[test]
fn who_comes_after_one_that_locked_more_than_it_had_declared_sees_what_that_has_written() {
    on_both(async |bed| {
        let heads = heads(bed, 3).await;
        let late: Job = (heads[1], None, counts_at_the_first);
        let jobs = vec![late, opened(heads[0], counts), opened(heads[1], counts), opened(heads[2], counts)];
        assert_eq!(in_one_batch(bed, jobs).await, [Ok(1), Ok(2), Ok(1), Ok(1)]);
        assert_eq!(bed.watch.reruns.load(Ordering::SeqCst), 0);
    });
}

#[test]
fn whatever_a_body_does_it_is_as_if_nothing_had_been_read_for_it() {
    let others: [(Body, Result<i64, Problem>, i64); 7] = [
        (looks, Ok(0), 0),
        (refuses_at_once, Err(Problem::Refused), 0),
        (refuses_late, Err(Problem::Refused), 0),
        (panics_late, Err(Problem::Internal), 0),
        (does_nothing, Ok(0), 0),
        (writes_first, Ok(50), 50),
        (asks_something_else_first, Ok(7), 0),
    ];
    for (body, wanted, total) in others {
        on_both(async |bed| {
            let heads = heads(bed, 3).await;
            let jobs = vec![opened(heads[0], counts), opened(heads[1], body), opened(heads[2], counts)];
            assert_eq!(in_one_batch(bed, jobs).await, [Ok(1), wanted.clone(), Ok(1)]);
            for (head, total) in heads.into_iter().zip([1, total, 1]) {
                assert_eq!(bed.total(head).await, total);
            }
        });
    }
}

#[test]
fn an_opening_with_other_values_is_not_the_bodys_own() {
    on_both(async |bed| {
        let heads = heads(bed, 2).await;
        let jobs = vec![opened(heads[0], counts), (heads[1], Some(look(heads[0])), counts as Body)];
        assert_eq!(in_one_batch(bed, jobs).await, [Ok(1), Ok(1)]);
        assert_eq!([bed.total(heads[0]).await, bed.total(heads[1]).await], [1, 1]);
    });
}

#[test]
fn an_opening_that_fails_is_the_failure_of_its_own_job() {
    let values: [(Body, &dyn Value); 2] = [(divides_by_nothing, &0), (divides_by_text, &"no number")];
    for (body, value) in values {
        on_both(async |bed| {
            let heads = heads(bed, 3).await;
            let divides = || (heads[1], Some(Opening::new(DIVIDE).with(&key(heads[1])).with(value)), body);
            let jobs = vec![opened(heads[0], counts), divides(), opened(heads[2], counts)];
            assert_eq!(in_one_batch(bed, jobs).await, [Ok(1), Err(Problem::Internal), Ok(1)]);
            assert_eq!(in_one_batch(bed, vec![divides()]).await, [Err(Problem::Internal)]);
        });
    }
}

#[test]
fn a_job_that_asks_for_more_roots_runs_again_with_them() {
    on_both(async |bed| {
        let heads = heads(bed, 2).await;
        bed.add_head(255).await;
        let jobs = vec![opened(heads[0], counts), opened(heads[1], locks_another), opened(heads[1], counts)];
        let mut answers = in_one_batch(bed, jobs).await;
        answers.sort_by_key(|answer| answer.clone().unwrap_or_default());
        assert_eq!(answers, [Ok(1), Ok(1), Ok(2)]);
        assert_eq!([bed.total(heads[0]).await, bed.total(heads[1]).await], [1, 2]);
    });
}

#[test]
fn who_has_left_before_the_turn_is_skipped() {
    on_both(async |bed| {
        bed.add_head(1).await;
        let shut = bed.shut().await;
        let runs = Arc::new(AtomicUsize::new(0));
        let (mut leaving, mut staying) = (JoinSet::new(), JoinSet::new());
        for number in 0..10 {
            let (store, runs) = (bed.store.clone(), Arc::clone(&runs));
            let tasks = if number % 2 == 0 { &mut leaving } else { &mut staying };
            tasks.spawn(async move {
                let work = move |tx: &mut Tx<'_>| {
                    runs.fetch_add(1, Ordering::SeqCst);
                    counts(tx, 1)
                };
                store.write_opening(gated(), Some(look(1)), work).await
            });
            bed.queued(number + 1).await;
        }
        leaving.shutdown().await;
        shut.open().await;
        let answers = staying.join_all().await;
        assert!(answers.iter().all(Result::is_ok));
        assert_eq!((runs.load(Ordering::SeqCst), bed.total(1).await), (5, 5));
    });
}

#[test]
fn many_at_once_count_without_gap_whatever_some_of_them_do() {
    on_both(async |bed| {
        for head in 1..=5 {
            bed.add_head(head).await;
        }
        let bodies: [Body; 8] = [counts, counts, counts, refuses_late, counts, looks, counts, panics_late];
        let mut tasks = JoinSet::new();
        for number in 0_u16..400 {
            let head = u8::try_from(1 + number % 5).unwrap();
            let (store, body) = (bed.store.clone(), bodies[usize::from(number / 5 % 8)]);
            let opening = (number % 3 != 0).then(|| look(head));
            let work = move |tx: &mut Tx<'_>| body(tx, head);
            tasks.spawn(async move { store.write_opening(Roots::one(root(head)), opening, work).await });
        }
        tasks.join_all().await;
        for head in 1..=5 {
            assert_eq!(bed.total(head).await, 50);
        }
        assert_eq!(bed.names().await.len(), 250);
    });
}
