//! What clients of the SDK ask through their tunnel, by whole answers.

mod commands;
mod configuration;
mod hooks;
mod hub;
mod rates;
mod registrations;
mod templates;
mod typing;
