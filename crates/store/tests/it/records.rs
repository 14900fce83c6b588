//! The statements that every record has.

use store::{Record, Roots, Row, StoreError, Tx, Value};

use crate::bed::on_both;

#[derive(Clone, Debug, PartialEq, Eq)]
struct Seat {
    hall: i64,
    place: i64,
    guest: Option<String>,
}

impl Record for Seat {
    const TABLE: &'static str = "seats";
    const COLUMNS: &'static str = "hall, place, guest";
    const KEY: &'static [&'static str] = &["hall", "place"];

    fn values(&self) -> Vec<&dyn Value> {
        vec![&self.hall, &self.place, &self.guest]
    }

    fn read(row: &mut Row<'_>) -> Result<Self, StoreError> {
        Ok(Self { hall: row.next()?, place: row.next()?, guest: row.next()? })
    }
}

fn seat(place: i64, guest: &str) -> Seat {
    Seat { hall: 1, place, guest: Some(guest.to_owned()) }
}

const OF_HALL: &str = "WHERE hall = $1 ORDER BY place";

#[test]
fn records_live() {
    on_both(async |bed| {
        let work = |tx: &mut Tx<'_>| {
            tx.append(&seat(1, "ann"))?;
            tx.append(&seat(2, "bob"))?;
            assert!(tx.insert(&seat(3, "cid"))?);
            assert!(!tx.insert(&seat(3, "dan"))?);
            tx.replace(&seat(2, "eve"))?;
            tx.remove(&seat(1, "whoever"))?;
            tx.list::<Seat>(OF_HALL, &[&1])
        };
        let inside = bed.store.write::<_, StoreError>(Roots::none(), work).await.unwrap();
        assert_eq!(inside, [seat(2, "eve"), seat(3, "cid")]);
        let read = |tx: &mut Tx<'_>| {
            let all = tx.list::<Seat>(OF_HALL, &[&1])?;
            let first = tx.find::<Seat>(OF_HALL, &[&1])?;
            Ok::<_, StoreError>((all, first, tx.find::<Seat>(OF_HALL, &[&9])?))
        };
        assert_eq!(bed.store.read(read).await.unwrap(), (inside, Some(seat(2, "eve")), None));
    });
}

#[test]
fn a_collision_is_an_answer_of_insert_and_an_error_of_append() {
    on_both(async |bed| {
        let first = |tx: &mut Tx<'_>| tx.insert(&seat(1, "ann"));
        assert!(bed.store.write::<_, StoreError>(Roots::none(), first).await.unwrap());
        assert!(!bed.store.write::<_, StoreError>(Roots::none(), first).await.unwrap());
        let append = |tx: &mut Tx<'_>| tx.append(&seat(1, "bob"));
        bed.store.write::<_, StoreError>(Roots::none(), append).await.unwrap_err();
        let read = |tx: &mut Tx<'_>| tx.list::<Seat>(OF_HALL, &[&1]);
        assert_eq!(bed.store.read::<_, StoreError>(read).await.unwrap(), [seat(1, "ann")]);
    });
}

#[test]
fn returning_is_read_and_counted() {
    on_both(async |bed| {
        let work = |tx: &mut Tx<'_>| {
            let sql = "INSERT INTO items (name) VALUES ($1) RETURNING number";
            let first: Option<i64> = tx.row(sql, &[&"a"], |row| row.next())?;
            let second: Option<i64> = tx.row(sql, &[&"b"], |row| row.next())?;
            assert!(first < second);
            // A RETURNING statement that nobody reads has run all the same.
            assert_eq!(tx.execute("UPDATE items SET note = $1 RETURNING number", &[&"x"])?, 2);
            assert_eq!(tx.execute("SELECT number FROM items", &[])?, 0);
            assert_eq!(tx.execute("DELETE FROM items WHERE name = $1", &[&"nobody"])?, 0);
            tx.rows("UPDATE items SET note = NULL RETURNING name", &[], |row| row.next::<String>())
        };
        let mut names = bed.store.write::<_, StoreError>(Roots::none(), work).await.unwrap();
        names.sort();
        assert_eq!(names, ["a", "b"]);
    });
}

/// Rows that wait to be sent together are there for whatever comes next, and for every later job.
#[test]
fn rows_that_were_appended_are_there_for_every_later_statement() {
    on_both(async |bed| {
        let guest = |place| if place % 3 == 0 { None } else { Some(format!("guest {place}")) };
        let work = move |tx: &mut Tx<'_>| {
            for place in 0..2500 {
                tx.append(&Seat { hall: 1, place, guest: guest(place) })?;
                if place == 7 {
                    tx.replace(&seat(7, "replaced"))?;
                }
                if place == 9 {
                    assert_eq!(tx.execute("UPDATE seats SET guest = 'nobody' WHERE hall = 1", &[])?, 10);
                }
            }
            tx.append(&Seat { hall: 2, place: 1, guest: Some(String::new()) })?;
            tx.list::<Seat>(OF_HALL, &[&1])
        };
        let found = bed.store.write::<_, StoreError>(Roots::none(), work).await.unwrap();
        assert_eq!(found.len(), 2500);
        for (place, seat) in (0..).zip(found) {
            let wanted = if place < 10 { Some("nobody".to_owned()) } else { guest(place) };
            assert_eq!((seat.place, seat.guest), (place, wanted));
        }
        let read = |tx: &mut Tx<'_>| tx.find::<Seat>(OF_HALL, &[&2]);
        let alone = bed.store.read::<_, StoreError>(read).await.unwrap().unwrap();
        assert_eq!(alone.guest.as_deref(), Some(""));
    });
}
