//! An order service on axum and `SQLite`, with seven planted faults and a fixed twin of each, and a
//! client that loads it.
//!
//! `server` opens `app`, whose router leads to a handler for each of `history`, `quote`, `stock`,
//! `label`, `offers` and `trending`; these use `store` (the database), `services` (what answers
//! elsewhere) and `notifier` (letters). `client` asks what `mix` says and counts in `tally`.
//! `main.rs` says which fault lies where.

pub mod client;
pub mod error;
pub mod fix;
pub mod mix;
pub mod notifier;
pub mod options;
pub mod server;
pub mod tally;

mod app;
mod history;
mod label;
mod offers;
mod quote;
mod seed;
mod services;
mod stock;
mod store;
mod trending;
