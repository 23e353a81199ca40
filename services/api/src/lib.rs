//! JSON over HTTP: one endpoint a file, wire types, problem documents, authentication, OpenAPI.
//!
//! A handler turns a request into a call of one use case of `app`, and the result into a wire
//! type. What it needs to be allowed stands in its signature. Nothing here knows SQL or keys, and
//! nothing here decides a rule.

mod apps;
mod audit;
mod clients;
mod consents;
mod data_map;
mod downloads;
mod events;
mod extract;
mod head;
mod health;
mod holds;
mod import;
mod kept_items;
mod leaving;
mod load;
mod notices;
mod oauth;
mod openapi;
mod pages;
mod problem;
mod purposes;
mod rate;
mod records;
mod register;
mod requests;
mod routes;
mod staff;
mod state;
mod subjects;
mod unmatched;

pub use load::{Pieces, bounded};
pub use openapi::document;
pub use problem::{Problem, ProblemDocument};
pub use rate::{Ticks, tell_rate};
pub use routes::routes;
pub use state::{Api, Limit, Limits, RateLimits};
pub use unmatched::unmatched;
