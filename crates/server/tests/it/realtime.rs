//! The tunnel of the client SDK, by a client that may be told to do everything wrong.

mod client;
mod entering;
mod hostile;
mod living;
mod logging;
