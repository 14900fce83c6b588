//! What a failure of PostgreSQL means.

use std::error::Error;

use tokio_postgres::error::{DbError, Severity, SqlState};

use crate::error::{Kind, StoreError};

/// The failure of a statement, with what the server says about it.
pub(super) fn of_statement(sql: &str, error: tokio_postgres::Error) -> StoreError {
    of(format!("failed to run the statement {sql}"), error)
}

pub(super) fn of(message: impl Into<String>, error: tokio_postgres::Error) -> StoreError {
    let kind = match error.as_db_error() {
        Some(answer) => kind(answer),
        // A parameter of the wrong type never leaves this process; everything else is the connection.
        None if is_local(&error) => Kind::Failed,
        None => Kind::Lost,
    };
    // The driver's own text is only "db error", and the server's details quote values, which must not be logged.
    match error.as_db_error().map(describe) {
        Some(answer) => StoreError::caused(kind, message, answer),
        None => StoreError::caused(kind, message, error),
    }
}

fn describe(answer: &DbError) -> String {
    let place = answer.constraint().or(answer.column()).map(|name| format!(" ({name})")).unwrap_or_default();
    format!("{} {}: {}{place}", answer.severity(), answer.code().code(), answer.message())
}

/// The failure of an attempt to connect. A wrong password or name does not become right by trying again.
pub(super) fn of_connecting(error: tokio_postgres::Error) -> StoreError {
    let code = error.code().map_or("", SqlState::code);
    let is_hopeless = code.starts_with("28") || code.starts_with("3D");
    let failure = of("failed to connect to the database", error);
    if is_hopeless {
        StoreError::caused(Kind::Failed, "failed to connect to the database", failure)
    } else {
        failure
    }
}

/// Whether the server has ended the session with this answer.
pub(super) fn is_fatal(answer: &DbError) -> bool {
    matches!(answer.parsed_severity(), Some(Severity::Fatal | Severity::Panic))
}

/// Whether prepared statements must be prepared anew: a migration has changed what they answer.
pub(super) fn is_stale(answer: &DbError) -> bool {
    *answer.code() == SqlState::FEATURE_NOT_SUPPORTED
        || *answer.code() == SqlState::INVALID_SQL_STATEMENT_NAME
}

fn kind(answer: &DbError) -> Kind {
    let code = answer.code();
    if is_fatal(answer) {
        Kind::Lost
    } else if *code == SqlState::T_R_DEADLOCK_DETECTED
        || *code == SqlState::T_R_SERIALIZATION_FAILURE
        || is_stale(answer)
    {
        Kind::Again
    } else if *code == SqlState::LOCK_NOT_AVAILABLE {
        // Somebody holds a lock for longer than any transaction of ours lasts. Every other job would wait as long.
        Kind::Unreachable
    } else {
        Kind::Failed
    }
}

fn is_local(error: &tokio_postgres::Error) -> bool {
    let is_io = error.source().and_then(|source| source.downcast_ref::<std::io::Error>()).is_some();
    !error.is_closed() && !is_io
}
