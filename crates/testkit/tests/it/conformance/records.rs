//! Every record comes back as it was written: columns, values and reading name the same fields in the
//! same order.

use std::fmt::Write;

use conversations::{MIGRATIONS, Visitor, each_record};
use store::{Cell, Record, StoreError, Tx, Value};
use testkit::on_both;

/// A value that can be bound and compared.
#[derive(Clone, Debug, PartialEq)]
enum Sample {
    Int(i64),
    Text(String),
    Bytes(Vec<u8>),
}

impl Value for Sample {
    fn cell(&self) -> Cell<'_> {
        match self {
            Self::Int(number) => Cell::Int(*number),
            Self::Text(text) => Cell::Text(text),
            Self::Bytes(bytes) => Cell::Bytes(bytes),
        }
    }
}

/// A value of the column's type that no other column of the row has, and that the field's type can hold.
fn sample(migration: &str, table: &str, column: &str, place: u8) -> Sample {
    let (_, definition) = migration.split_once(&format!("CREATE TABLE {table} (")).expect("it is created");
    let line = definition.lines().find(|line| line.trim_start().starts_with(&format!("{column} ")));
    let added = format!("ALTER TABLE {table} ADD COLUMN {column} ");
    let line = migration.lines().find(|line| line.starts_with(&added)).or(line);
    let line = line.unwrap_or_else(|| panic!("{table} has no column {column}"));
    match column {
        "is_online" | "is_notifiable" | "sandbox" | "batch_events" => Sample::Int(1),
        _ if column.ends_with("_enabled") => Sample::Int(1),
        "category" => Sample::Text("history".to_owned()),
        "push_type" => Sample::Text("fcm".to_owned()),
        "binding_type" if table == "bindings" => Sample::Text("twilsock".to_owned()),
        "address_type" => Sample::Text("apple".to_owned()),
        "auto_creation_type" => Sample::Text("studio".to_owned()),
        "method" | "webhook_method" => Sample::Text("GET".to_owned()),
        "target" => Sample::Text("webhook".to_owned()),
        "filters" | "triggers" | "webhook_filters" | "senders" | "messaging_service_sids" => {
            Sample::Text(format!("[\"place {place}\"]"))
        }
        "event_type" => Sample::Text("onMessageAdded".to_owned()),
        "type" => Sample::Text("service".to_owned()),
        "status" if table == "receipts" => Sample::Text("delivered".to_owned()),
        "status" if table == "accounts" => Sample::Text("suspended".to_owned()),
        "notification_level" => Sample::Text("muted".to_owned()),
        _ if line.contains("{BIGINT}") => Sample::Int(1_000_000 + i64::from(place)),
        _ if line.contains("{TEXT}") => Sample::Text(format!("{{\"place\":{place}}}")),
        _ => Sample::Bytes(vec![place; 16]),
    }
}

struct RoundTrip<'a, 'tx> {
    tx: &'a mut Tx<'tx>,
    migration: &'a str,
    failure: Option<StoreError>,
    tables: usize,
}

impl RoundTrip<'_, '_> {
    fn try_visit<R: Record>(&mut self) -> Result<(), StoreError> {
        let columns: Vec<&str> = R::COLUMNS.split(", ").map(str::trim).collect();
        let samples: Vec<Sample> = (1_u8..)
            .zip(&columns)
            .map(|(place, column)| sample(self.migration, R::TABLE, column, place))
            .collect();
        let params: Vec<&dyn Value> = samples.iter().map(|sample| sample as &dyn Value).collect();
        let mut places = String::new();
        for place in 1..=columns.len() {
            let _ = write!(places, "{}${place}", if place == 1 { "" } else { ", " });
        }
        self.tx.execute(&format!("INSERT INTO {} ({}) VALUES ({places})", R::TABLE, R::COLUMNS), &params)?;
        let is_it = format!("WHERE {} = $1", columns[0]);
        let read: R = self.tx.find(&is_it, &params[..1])?.expect("it was written");
        let values: Vec<Sample> = read.values().into_iter().map(owned).collect();
        assert_eq!(values, samples, "{}", R::TABLE);
        // And through the record's own statements.
        self.tx.remove(&read)?;
        assert!(self.tx.insert(&read)?, "{}", R::TABLE);
        assert!(!self.tx.insert(&read)?, "{}", R::TABLE);
        self.tx.replace(&read)?;
        let again: R = self.tx.find(&is_it, &params[..1])?.expect("it was written");
        assert_eq!(again.values().into_iter().map(owned).collect::<Vec<_>>(), samples, "{}", R::TABLE);
        Ok(())
    }
}

fn owned(value: &dyn Value) -> Sample {
    match value.cell() {
        Cell::Int(number) => Sample::Int(number),
        Cell::Text(text) => Sample::Text(text.to_owned()),
        Cell::Bytes(bytes) => Sample::Bytes(bytes.to_vec()),
        Cell::Null => panic!("no sample is null"),
    }
}

impl Visitor for RoundTrip<'_, '_> {
    fn visit<R: Record>(&mut self) {
        if self.failure.is_none() {
            self.failure = self.try_visit::<R>().err();
            self.tables += 1;
        }
    }
}

#[tokio::test]
async fn every_record_comes_back_as_it_was_written() {
    let migration: String = MIGRATIONS.iter().map(|migration| migration.sql).collect();
    on_both(async |house| {
        let migration = migration.clone();
        let visit = move |tx: &mut Tx<'_>| {
            let mut visitor = RoundTrip { tx, migration: &migration, failure: None, tables: 0 };
            each_record(&mut visitor);
            match visitor.failure {
                Some(failure) => Err(failure),
                None => Ok(visitor.tables),
            }
        };
        let tables =
            house.app.store().write(store::Roots::none(), visit).await.expect("every record is kept");
        assert_eq!(tables, 24);
    })
    .await;
}
