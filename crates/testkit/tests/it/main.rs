//! The conformance suites: the REST surface by whole answers, and what the store must hold, on both
//! databases.

mod clients;
mod conformance;
mod lists;
mod model;
mod realtime;
mod rest;
mod sync;
