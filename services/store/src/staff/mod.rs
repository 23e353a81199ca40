//! Staff: the people who sign in, their sessions, and what is remembered of both. They stand apart from apps. How a password
//! is checked and when an account is locked is decided by callers.

pub mod events;
pub mod sessions;
pub mod sign_ins;
pub mod users;
