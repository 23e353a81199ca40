//! Staff: the people who sign in, and their sessions. They stand apart from apps. How a password
//! is checked and when an account is locked is decided by callers.

pub mod sessions;
pub mod users;
