//! The binary `oubli` as a person starts it: what it refuses, its commands, and what is left when
//! it is killed. Each test has an installation of its own in a temporary folder.

mod clock;
mod commands;
mod configuration;
pub(crate) mod crashes;
mod doctor;
mod faults;
mod import;
pub(crate) mod installation;
mod keys;
mod kills;
mod leaving;
mod migrations;
mod refusals;
mod storage;
mod together;
