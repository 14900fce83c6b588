//! Writes that wait to be sent together: nobody can tell, whatever the jobs of the batch do.

use store::{Record, Roots, Row, StoreError, Tx, Value};
use tokio::task::JoinSet;
use tokio_postgres::NoTls;

use crate::bed::{Bed, gated, key, on_both, on_postgres, run};

const SEAT: &str = "UPDATE seats SET guest = $3 WHERE hall = $1 AND place = $2";
const HALL: &str = "UPDATE seats SET guest = $2 WHERE hall = $1";
const LONGER: &str = "UPDATE seats SET guest = guest || $2 WHERE hall = $1";
const TOTAL: &str = "UPDATE heads SET total = $2 WHERE sid = $1";
const ALL: &str = "SELECT hall, place, guest FROM seats ORDER BY hall, place";

/// What a job does, one after the other. Halls, places and heads are few, so that jobs meet.
#[derive(Clone, Copy, Debug)]
enum Step {
    Seat(Option<i64>, i64, Option<i64>),
    Hall(Option<i64>, i64),
    Longer(i64),
    /// Fails where the seat is there.
    Add(i64, i64),
    Insert(i64, i64),
    Remove(i64, i64),
    /// Fails without a total.
    Total(u8, Option<i64>),
    /// Fails: text where a number is wanted.
    Text(u8),
    Look,
    Changed(i64),
    Refuse,
}

#[derive(Clone, Copy)]
struct Seat {
    hall: i64,
    place: i64,
}

impl Record for Seat {
    const TABLE: &'static str = "seats";
    const COLUMNS: &'static str = "hall, place";
    const KEY: &'static [&'static str] = &["hall", "place"];

    fn values(&self) -> Vec<&dyn Value> {
        vec![&self.hall, &self.place]
    }

    fn read(row: &mut Row<'_>) -> Result<Self, StoreError> {
        Ok(Self { hall: row.next()?, place: row.next()? })
    }
}

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

/// What a job has seen.
type Seen = Vec<(i64, i64, Option<String>)>;

fn seats(tx: &mut Tx<'_>) -> Result<Seen, StoreError> {
    tx.rows(ALL, &[], |row| Ok((row.next()?, row.next()?, row.next()?)))
}

fn job(tx: &mut Tx<'_>, steps: &[Step]) -> Result<Seen, Problem> {
    let mut seen = Vec::new();
    for step in steps {
        match *step {
            Step::Seat(hall, place, guest) => {
                tx.put(SEAT, &[&hall, &place, &guest.map(|guest| format!("guest {guest}"))])?;
            }
            Step::Hall(hall, guest) => tx.put(HALL, &[&hall, &format!("all {guest}")])?,
            Step::Longer(hall) => tx.put(LONGER, &[&hall, &"+"])?,
            Step::Add(hall, place) => tx.append(&Seat { hall, place })?,
            Step::Insert(hall, place) => {
                let sql = "INSERT INTO seats (hall, place, guest) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
                tx.put(sql, &[&hall, &place, &"new"])?;
            }
            Step::Remove(hall, place) => tx.remove(&Seat { hall, place })?,
            Step::Total(head, total) => tx.put(TOTAL, &[&key(head), &total])?,
            Step::Text(head) => tx.put(TOTAL, &[&key(head), &"no number"])?,
            Step::Look => seen.extend(seats(tx)?),
            Step::Changed(hall) => {
                let changed = tx.execute(HALL, &[&hall, &"counted"])?;
                seen.push((hall, i64::try_from(changed).unwrap(), None));
            }
            Step::Refuse => return Err(Problem::Refused),
        }
    }
    Ok(seen)
}

/// Numbers that look like chance, the same in each run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }

    fn small(&mut self) -> i64 {
        i64::try_from(self.below(3)).unwrap()
    }

    fn some(&mut self) -> Option<i64> {
        (self.below(6) > 0).then(|| self.small())
    }

    fn head(&mut self) -> u8 {
        u8::try_from(2 + self.below(3)).unwrap()
    }

    /// With `trouble`, some steps fail.
    fn step(&mut self, trouble: bool) -> Step {
        match self.below(if trouble { 19 } else { 15 }) {
            0..=4 => Step::Seat(self.some(), self.small(), self.some()),
            5 | 6 => Step::Hall(self.some(), self.small()),
            7 => Step::Longer(self.small()),
            8 | 9 => Step::Total(self.head(), Some(self.small())),
            10 => Step::Insert(self.small(), self.small()),
            11 => Step::Remove(self.small(), self.small()),
            12 => Step::Look,
            13 => Step::Changed(self.small()),
            // Of a hall that nobody else adds to, mostly free.
            14 => Step::Add(3 + self.small(), i64::try_from(self.below(1000)).unwrap()),
            15 => Step::Add(self.small(), self.small()),
            16 => Step::Total(self.head(), None),
            17 => Step::Text(self.head()),
            _ => Step::Refuse,
        }
    }

    fn jobs(&mut self, trouble: bool) -> Vec<Vec<Step>> {
        let jobs = 2 + self.below(10);
        (0..jobs).map(|_| (0..=self.below(5)).map(|_| self.step(trouble)).collect()).collect()
    }
}

/// Puts everything where a run begins.
async fn begin(bed: &Bed) {
    let work = |tx: &mut Tx<'_>| {
        tx.execute("DELETE FROM seats", &[])?;
        tx.execute("UPDATE heads SET total = 0", &[])?;
        for number in 0..6 {
            tx.append(&Seat { hall: number / 2, place: number % 2 })?;
        }
        Ok::<_, StoreError>(())
    };
    bed.store.write(gated(), work).await.unwrap();
}

/// What is there at last.
async fn end(bed: &Bed) -> (Seen, Vec<i64>) {
    let totals = "SELECT total FROM heads ORDER BY sid";
    let read = move |tx: &mut Tx<'_>| Ok((seats(tx)?, tx.rows(totals, &[], |row| row.next())?));
    bed.store.read::<_, StoreError>(read).await.unwrap()
}

async fn in_one_batch(bed: &Bed, jobs: &[Vec<Step>]) -> Vec<Result<Seen, Problem>> {
    let shut = bed.shut().await;
    let mut tasks = JoinSet::new();
    for (place, steps) in jobs.iter().enumerate() {
        let (store, steps) = (bed.store.clone(), steps.clone());
        tasks.spawn(async move { (place, store.write(gated(), move |tx| job(tx, &steps)).await) });
        bed.queued(place + 1).await;
    }
    shut.open().await;
    let mut answers = tasks.join_all().await;
    answers.sort_by_key(|(place, _)| *place);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

async fn one_by_one(bed: &Bed, jobs: &[Vec<Step>]) -> Vec<Result<Seen, Problem>> {
    let mut answers = Vec::new();
    for steps in jobs {
        let steps = steps.clone();
        answers.push(bed.store.write(gated(), move |tx| job(tx, &steps)).await);
    }
    answers
}

#[test]
fn a_batch_does_what_its_jobs_do_one_by_one() {
    on_both(async |bed| {
        for head in 2..5 {
            bed.add_head(head).await;
        }
        for seed in 0..100 {
            let mut chance = Chance(seed);
            let jobs = chance.jobs(seed % 3 == 0);
            begin(bed).await;
            let wanted = (one_by_one(bed, &jobs).await, end(bed).await);
            begin(bed).await;
            let found = (in_one_batch(bed, &jobs).await, end(bed).await);
            assert_eq!(found, wanted, "seed {seed}: {jobs:#?}");
        }
    });
}

#[test]
fn the_later_of_two_updates_wins_and_one_that_finds_no_row_does_nothing() {
    on_both(async |bed| {
        bed.add_head(2).await;
        let add = Step::Insert(1, 1);
        let jobs = [
            vec![Step::Seat(Some(1), 2, Some(0)), Step::Seat(Some(1), 1, Some(1)), Step::Total(2, Some(5))],
            vec![Step::Insert(1, 2), Step::Seat(Some(1), 1, Some(2)), Step::Total(2, Some(6))],
            vec![Step::Remove(1, 1), add, Step::Seat(None, 1, Some(9)), Step::Total(2, Some(7))],
        ];
        begin(bed).await;
        in_one_batch(bed, &jobs).await;
        let (seats, totals) = end(bed).await;
        let of_hall: Vec<_> = seats.into_iter().filter(|(hall, ..)| *hall == 1).collect();
        let new = || Some("new".to_owned());
        assert_eq!(of_hall, [(1, 0, None), (1, 1, new()), (1, 2, new())]);
        assert_eq!(totals, [7]);
    });
}

#[test]
fn updates_of_many_rows_are_one_statement_and_bounded() {
    on_postgres(async |bed| {
        for head in 2..34 {
            bed.add_head(head).await;
        }
        let count = "CREATE TABLE counted (tables TEXT);
             CREATE FUNCTION note_statement() RETURNS TRIGGER LANGUAGE plpgsql AS
                 $$ BEGIN INSERT INTO counted VALUES (TG_TABLE_NAME); RETURN NULL; END $$;
             CREATE TRIGGER of_heads AFTER UPDATE ON heads FOR EACH STATEMENT EXECUTE FUNCTION note_statement();
             CREATE TRIGGER of_seats AFTER UPDATE ON seats FOR EACH STATEMENT EXECUTE FUNCTION note_statement()";
        run(&bed.place.url(), count).await;
        let shut = bed.shut().await;
        let mut tasks = JoinSet::new();
        for head in 2..34 {
            let store = bed.store.clone();
            let work = move |tx: &mut Tx<'_>| {
                tx.put(TOTAL, &[&key(head), &i64::from(head)])?;
                // Of another table, by turns with the first.
                tx.put(SEAT, &[&i64::from(head), &1, &"guest"])
            };
            tasks.spawn(async move { store.write(gated(), work).await });
        }
        bed.queued(32).await;
        shut.open().await;
        assert!(tasks.join_all().await.iter().all(|answer: &Result<(), StoreError>| answer.is_ok()));
        for head in 2..34 {
            assert_eq!(bed.total(head).await, i64::from(head));
        }
        assert_eq!(counted(bed).await, ["heads", "seats"]);
        // More than are held back, and of one value that is long.
        let work = move |tx: &mut Tx<'_>| {
            for place in 0..2500 {
                tx.put(SEAT, &[&9, &place, &"guest"])?;
            }
            for place in 0..4 {
                tx.put(SEAT, &[&8, &place, &"g".repeat(600_000)])?;
            }
            Ok::<_, StoreError>(())
        };
        bed.store.write(Roots::none(), work).await.unwrap();
        // 1024, 1024, 452 with two of the long values, two more.
        assert_eq!(counted(bed).await.len(), 2 + 4);
    });
}

async fn counted(bed: &Bed) -> Vec<String> {
    let (client, connection) = tokio_postgres::connect(&bed.place.url(), NoTls).await.unwrap();
    let mut tasks = JoinSet::new();
    tasks.spawn(connection);
    let rows = client.query("SELECT tables FROM counted ORDER BY tables", &[]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}
