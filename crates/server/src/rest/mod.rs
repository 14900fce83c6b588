//! The REST API: the table of operations as routes, and what is said where there is none.

mod handler;
mod routes;

pub use routes::router;
