//! The REST API: the table of operations as routes, and what is said where there is none.

mod handler;
mod rates;
mod routes;

pub use rates::{Rates, Standing};
pub use routes::{Paths, Route, answer, table, unknown};
