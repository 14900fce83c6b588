//! Values on their way into a statement and out of a row: four kinds of cell, on both engines.
//!
//! 64-bit integers, text, bytes, and null. No other integer type implements [`Value`], so that an untyped literal
//! in a list of parameters is an `i64`. Text that holds a NUL character is refused, because PostgreSQL cannot
//! store it.

use wire::{Attributes, Sid, Timestamp};

use crate::error::StoreError;

/// One value as a database sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cell<'a> {
    /// No value.
    Null,
    /// An integer, a boolean as 0 or 1, or a time in microseconds.
    Int(i64),
    /// Text.
    Text(&'a str),
    /// Bytes.
    Bytes(&'a [u8]),
}

impl Cell<'_> {
    pub(crate) fn kind(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Int(_) => "an integer",
            Self::Text(_) => "text",
            Self::Bytes(_) => "bytes",
        }
    }
}

/// A cell that is kept.
#[derive(Clone, Debug)]
pub(crate) enum OwnedCell {
    Null,
    Int(i64),
    Text(String),
    Bytes(Vec<u8>),
}

impl OwnedCell {
    pub(crate) fn new(cell: Cell<'_>) -> Self {
        match cell {
            Cell::Null => Self::Null,
            Cell::Int(value) => Self::Int(value),
            Cell::Text(text) => Self::Text(text.to_owned()),
            Cell::Bytes(bytes) => Self::Bytes(bytes.to_vec()),
        }
    }
}

impl Value for OwnedCell {
    fn cell(&self) -> Cell<'_> {
        match self {
            Self::Null => Cell::Null,
            Self::Int(value) => Cell::Int(*value),
            Self::Text(text) => Cell::Text(text),
            Self::Bytes(bytes) => Cell::Bytes(bytes),
        }
    }
}

/// What can be given to a statement.
pub trait Value {
    /// The value as a cell.
    fn cell(&self) -> Cell<'_>;
}

/// What can be taken from a row.
pub trait Column: Sized {
    /// The value of a cell, or `None` when the cell does not hold one of this type.
    fn from_cell(cell: Cell<'_>) -> Option<Self>;
}

impl<T: Value + ?Sized> Value for &T {
    fn cell(&self) -> Cell<'_> {
        (**self).cell()
    }
}

impl<T: Value> Value for Option<T> {
    fn cell(&self) -> Cell<'_> {
        self.as_ref().map_or(Cell::Null, Value::cell)
    }
}

impl<T: Column> Column for Option<T> {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Null => Some(None),
            present => T::from_cell(present).map(Some),
        }
    }
}

impl Value for i64 {
    fn cell(&self) -> Cell<'_> {
        Cell::Int(*self)
    }
}

impl Column for i64 {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Int(value) => Some(value),
            _ => None,
        }
    }
}

impl Value for bool {
    fn cell(&self) -> Cell<'_> {
        Cell::Int(i64::from(*self))
    }
}

impl Column for bool {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Int(0) => Some(false),
            Cell::Int(1) => Some(true),
            _ => None,
        }
    }
}

impl Value for str {
    fn cell(&self) -> Cell<'_> {
        Cell::Text(self)
    }
}

impl Value for String {
    fn cell(&self) -> Cell<'_> {
        Cell::Text(self)
    }
}

impl Column for String {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Text(text) => Some(text.to_owned()),
            _ => None,
        }
    }
}

impl Value for [u8] {
    fn cell(&self) -> Cell<'_> {
        Cell::Bytes(self)
    }
}

impl Value for Vec<u8> {
    fn cell(&self) -> Cell<'_> {
        Cell::Bytes(self)
    }
}

impl Column for Vec<u8> {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Bytes(bytes) => Some(bytes.to_vec()),
            _ => None,
        }
    }
}

impl Value for [u8; 16] {
    fn cell(&self) -> Cell<'_> {
        Cell::Bytes(self)
    }
}

impl Column for [u8; 16] {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Bytes(bytes) => bytes.try_into().ok(),
            _ => None,
        }
    }
}

impl<R> Value for Sid<R> {
    fn cell(&self) -> Cell<'_> {
        Cell::Bytes(self.as_bytes())
    }
}

impl<R> Column for Sid<R> {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        <[u8; 16]>::from_cell(cell).map(Self::from_bytes)
    }
}

impl Value for Timestamp {
    fn cell(&self) -> Cell<'_> {
        Cell::Int(self.micros())
    }
}

impl Column for Timestamp {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        i64::from_cell(cell).map(Self::from_micros)
    }
}

impl Value for Attributes {
    fn cell(&self) -> Cell<'_> {
        Cell::Text(self.as_str())
    }
}

impl Column for Attributes {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        String::from_cell(cell).map(Self::stored)
    }
}

/// A row of an answer, read column after column.
pub struct Row<'a> {
    source: &'a dyn Source,
    next: usize,
    columns: usize,
}

/// What an engine gives to read a row from.
pub(crate) trait Source {
    /// The cell of a column that exists.
    fn cell(&self, column: usize) -> Result<Cell<'_>, StoreError>;
    fn columns(&self) -> usize;
    fn name(&self, column: usize) -> String;
}

impl<'a> Row<'a> {
    pub(crate) fn new(source: &'a dyn Source) -> Self {
        Self { source, next: 0, columns: source.columns() }
    }

    /// The next column. A failure names the column and what was found in it.
    #[expect(
        clippy::should_implement_trait,
        reason = "a row is read by type, column after column; it is no iterator"
    )]
    pub fn next<T: Column>(&mut self) -> Result<T, StoreError> {
        let column = self.next;
        if column >= self.columns {
            return Err(StoreError::failed(format!("failed to read column {column}: the row has no more")));
        }
        self.next += 1;
        let cell = self.source.cell(column)?;
        T::from_cell(cell).ok_or_else(|| {
            StoreError::failed(format!(
                "failed to read column {column} ({}): found {}, wanted {}",
                self.source.name(column),
                cell.kind(),
                std::any::type_name::<T>(),
            ))
        })
    }
}
