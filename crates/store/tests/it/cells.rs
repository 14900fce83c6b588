//! Values in and out, parameters, and what a row refuses.

use store::{Column, Roots, StoreError, Tx, Value};
use wire::{Attributes, Sid, Timestamp};

use crate::bed::{Bed, on_both};

struct Anybody;

/// Writes a value into a column and reads it again.
async fn round<T: Value + Column + Send + Sync + Clone + 'static>(
    bed: &Bed,
    column: &'static str,
    value: T,
) -> T {
    let written = value.clone();
    let write = move |tx: &mut Tx<'_>| {
        tx.execute("DELETE FROM cells", &[])?;
        tx.put(&format!("INSERT INTO cells (id, {column}) VALUES (1, $1)"), &[&written])
    };
    bed.store.write::<_, StoreError>(Roots::none(), write).await.unwrap();
    let read = move |tx: &mut Tx<'_>| {
        // The value finds itself, so it went in as what it is.
        tx.row(
            &format!("SELECT {column} FROM cells WHERE {column} = $1 OR {column} IS NULL"),
            &[&value],
            |row| row.next(),
        )
    };
    bed.store.read::<_, StoreError>(read).await.unwrap().expect("the row was written")
}

#[test]
fn every_type_comes_back() {
    on_both(async |bed| {
        for value in [0, 1, -1, i64::MIN, i64::MAX] {
            assert_eq!(round(bed, "whole", value).await, value);
        }
        assert!(round(bed, "whole", true).await);
        assert!(!round(bed, "whole", false).await);
        for text in ["", "plain", "quote ' \" \\ $1 {x}", "ünï 🦀 日本", "line\nline"] {
            assert_eq!(round(bed, "words", text.to_owned()).await, text);
        }
        let bytes: Vec<u8> = (0..=255).collect();
        assert_eq!(round(bed, "raw", bytes.clone()).await, bytes);
        assert_eq!(round(bed, "raw", Vec::<u8>::new()).await, Vec::<u8>::new());
        assert_eq!(round(bed, "raw", [7_u8; 16]).await, [7; 16]);
        assert_eq!(round(bed, "whole", None::<i64>).await, None);
        assert_eq!(round(bed, "words", None::<String>).await, None);
        assert_eq!(round(bed, "raw", None::<Vec<u8>>).await, None);
        assert_eq!(round(bed, "words", Some("x".to_owned())).await.as_deref(), Some("x"));
        let sid = Sid::<Anybody>::from_bytes(std::array::from_fn(|byte| u8::try_from(byte * 16).unwrap()));
        assert!(round(bed, "raw", sid).await == sid);
        let time = Timestamp::from_micros(1_700_000_000_123_456);
        assert_eq!(round(bed, "whole", time).await.micros(), time.micros());
        let attributes = Attributes::stored("{\"b\": 1,  \"a\":[ ]}".to_owned());
        assert_eq!(round(bed, "words", attributes).await.as_str(), "{\"b\": 1,  \"a\":[ ]}");
    });
}

#[test]
fn parameters_are_bound_by_name() {
    on_both(async |bed| {
        let read = |tx: &mut Tx<'_>| {
            let text = "SELECT CAST($2 AS TEXT) || CAST($1 AS TEXT) || CAST($2 AS TEXT)";
            tx.row(text, &[&"one", &"two"], |row| row.next::<String>())
        };
        assert_eq!(bed.store.read::<_, StoreError>(read).await.unwrap().as_deref(), Some("twoonetwo"));
    });
}

#[test]
fn numbers_next_to_a_literal_are_numbers() {
    on_both(async |bed| {
        let read = |tx: &mut Tx<'_>| {
            let text = "SELECT 1, 2 - $1, COUNT(*), 3 = 3 FROM cells";
            tx.row(text, &[&1], |row| {
                Ok((row.next::<i64>()?, row.next::<i64>()?, row.next::<i64>()?, row.next::<bool>()?))
            })
        };
        assert_eq!(bed.store.read::<_, StoreError>(read).await.unwrap(), Some((1, 1, 0, true)));
    });
}

async fn refused(bed: &Bed, sql: &'static str, params: &'static [&'static (dyn Value + Sync)]) -> String {
    let read = move |tx: &mut Tx<'_>| {
        let params: Vec<&dyn Value> = params.iter().map(|param| *param as &dyn Value).collect();
        tx.row(sql, &params, |row| row.next::<String>())
    };
    format!("{:?}", bed.store.read::<_, StoreError>(read).await.unwrap_err())
}

#[test]
fn what_does_not_fit_is_refused() {
    on_both(async |bed| {
        let fill = |tx: &mut Tx<'_>| tx.execute("INSERT INTO cells (id, whole) VALUES (1, 2)", &[]);
        bed.store.write::<_, StoreError>(Roots::none(), fill).await.unwrap();
        let error = refused(bed, "SELECT whole FROM cells", &[]).await;
        assert!(
            error.contains("column 0 (whole): found an integer, wanted alloc::string::String"),
            "{error}"
        );
        assert!(refused(bed, "SELECT words FROM cells", &[]).await.contains("found null"));
        refused(bed, "SELECT words FROM cells WHERE id = $1", &[]).await;
        refused(bed, "SELECT words FROM cells WHERE id = $1", &[&1_i64, &2_i64]).await;
        refused(bed, "SELECT words FROM cells WHERE words = $1", &[&"a NUL \0"]).await;
        refused(bed, "SELECT words FROM nowhere", &[]).await;
        let error = bed.store.read::<_, StoreError>(|tx| {
            tx.row("SELECT id FROM cells", &[], |row| Ok((row.next::<i64>()?, row.next::<i64>()?)))
        });
        assert!(error.await.unwrap_err().to_string().contains("the row has no more"));
        // None of it has hurt the connection.
        assert_eq!(bed.names().await, Vec::<String>::new());
    });
}

#[test]
fn a_statement_is_prepared_without_running() {
    on_both(async |bed| {
        bed.store.prepare("INSERT INTO items (name) VALUES ($1) RETURNING number").await.unwrap();
        bed.store.prepare("SELECT number FROM items WHERE name = $1 {SKIP_LOCKED}").await.unwrap();
        let error = format!("{:?}", bed.store.prepare("SELECT nothing FROM items").await.unwrap_err());
        assert!(error.contains("nothing"), "{error}");
        assert_eq!(bed.names().await, Vec::<String>::new());
    });
}

#[test]
fn a_read_neither_writes_nor_locks() {
    on_both(async |bed| {
        bed.store.read::<_, StoreError>(|tx| tx.execute("DELETE FROM items", &[])).await.unwrap_err();
        bed.store.read::<_, StoreError>(|tx| tx.lock(&Roots::none())).await.unwrap_err();
    });
}
