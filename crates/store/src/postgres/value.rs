//! Cells to and from PostgreSQL's binary format.
//!
//! The server infers the type of a parameter from where it stands, and may find `INT4` for a number (next to a
//! literal, for instance): both widths are accepted, both ways. Any other difference is refused, because the bytes
//! would be read as something else.

use std::error::Error;

use bytes::{BufMut, BytesMut};
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

use crate::error::{Kind, StoreError};
use crate::value::{Cell, OwnedCell, Source, Value};

/// A parameter.
#[derive(Debug)]
pub(super) struct Bound<'a>(pub(super) Cell<'a>);

impl ToSql for Bound<'_> {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match (self.0, kind) {
            (Cell::Null, _) => return Ok(IsNull::Yes),
            (Cell::Int(value), &Type::INT8) => out.put_i64(value),
            (Cell::Int(value), &Type::INT4) => out.put_i32(i32::try_from(value)?),
            (Cell::Int(value), &Type::INT2) => out.put_i16(i16::try_from(value)?),
            (Cell::Text(text), &(Type::TEXT | Type::VARCHAR)) if !text.contains('\0') => {
                out.put_slice(text.as_bytes());
            }
            (Cell::Text(text), _) if text.contains('\0') => return Err("a NUL in text".into()),
            (Cell::Bytes(bytes), &Type::BYTEA) => out.put_slice(bytes),
            (cell, kind) => {
                return Err(format!("{} cannot be given where {kind} is wanted", cell.kind()).into());
            }
        }
        Ok(IsNull::No)
    }

    /// Whether the type fits is decided with the cell in hand.
    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

impl ToSql for OwnedCell {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        Bound(self.cell()).to_sql(kind, out)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

struct Found<'a>(Cell<'a>);

impl<'a> FromSql<'a> for Found<'a> {
    fn from_sql(kind: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(match *kind {
            Type::INT8 => Cell::Int(i64::from_sql(kind, raw)?),
            Type::INT4 => Cell::Int(i64::from(i32::from_sql(kind, raw)?)),
            Type::INT2 => Cell::Int(i64::from(i16::from_sql(kind, raw)?)),
            Type::BOOL => Cell::Int(i64::from(bool::from_sql(kind, raw)?)),
            Type::BYTEA => Cell::Bytes(raw),
            _ => Cell::Text(<&str>::from_sql(kind, raw)?),
        }))
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(Cell::Null))
    }

    fn accepts(kind: &Type) -> bool {
        matches!(
            *kind,
            Type::INT8
                | Type::INT4
                | Type::INT2
                | Type::BOOL
                | Type::BYTEA
                | Type::TEXT
                | Type::VARCHAR
                | Type::NAME
                | Type::JSON
        )
    }
}

impl Source for tokio_postgres::Row {
    fn cell(&self, column: usize) -> Result<Cell<'_>, StoreError> {
        let found = self.try_get::<_, Found<'_>>(column).map(|found| found.0);
        found.map_err(|error| {
            let name = self.columns()[column].name();
            StoreError::caused(Kind::Failed, format!("failed to read column {column} ({name})"), error)
        })
    }

    fn columns(&self) -> usize {
        self.len()
    }

    fn name(&self, column: usize) -> String {
        self.columns()[column].name().to_owned()
    }
}
