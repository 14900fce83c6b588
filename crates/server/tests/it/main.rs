//! The doors, from outside: requests to a router over a store of its own, and to a server that listens.

mod accounts_2010;
mod admin;
mod harness;
mod listening;
mod pressure;
mod realtime;
mod replaying;
mod rest;
mod unread;
