//! `tertulia intercept`: runs a program, unchanged, whose calls to Twilio come here.
//!
//! The program gets a proxy and the authority of this run by its environment (`environment`), and credentials
//! that the server knows (`credentials`). The server is one that runs already, or one that lives and ends with
//! the program (`run`). What the run leaves in files lies in one directory for its owner alone, which goes
//! with it. Of our own nothing is printed unless something is wrong, and then on standard error.

mod child;
mod credentials;
mod environment;
mod run;
mod trust;

pub use run::intercept;
