//! Disks that are full, or read-only, or become so: what was acknowledged stays, what is refused is
//! refused in clear words, and the service goes on as soon as it can.

mod commands;
mod disk;
mod full;
mod full_postgres;
mod log_postgres;
mod read_only;
