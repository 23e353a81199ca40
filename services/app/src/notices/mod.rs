//! Notices: the texts that people are shown when they are asked for consent, as versions that
//! never change. Knows which texts there are, not who was shown them.

mod put;
mod read;

#[cfg(test)]
pub(crate) mod tests;

pub use put::{MAX_LANGUAGES, MAX_TEXT, NewNotice, Put, put};
pub use read::{Info, NoticeVersion, Position, get, list};
