//! Everything that talks to the world: REST, administration, health, metrics, and the tasks beside them.
//!
//! Every door makes a [`Call`](conversations::Call) of what came in, and every change goes through
//! [`perform()`]. `rest`, `media`, `admin` and `accounts_2010` do not know one another; what they
//! all need of HTTP is in `web`.

mod accounts_2010;
mod admin;
mod answering;
mod app;
mod clock;
mod dispatcher;
mod event_streams;
mod health;
mod housekeeping;
mod listen;
mod media;
mod metrics;
mod openapi;
mod outbound;
mod patient;
mod perform;
mod pressure;
pub mod realtime;
mod rest;
mod settings;
mod start;
mod stopwatch;
mod timers;
mod web;
mod webhooks;

pub use app::{App, Doors, Tools, doors};
pub use clock::{ManualClock, SystemClock};
pub use dispatcher::deliver_due;
pub use event_streams::stream_due;
pub use housekeeping::keep_house;
pub use media::{MediaStore, S3};
pub use metrics::Metrics;
pub use outbound::Guard;
pub use perform::perform;
pub use pressure::Bounds;
pub use settings::{MediaSettings, PublicUrl, Rates, RealtimeSettings, Settings};
pub use start::{Listeners, Server};
pub use timers::fire_due;
pub use web::Connection;
pub use web::access_token::{Granted, verify as verify_access_token};
pub use webhooks::WebhookSettings;
