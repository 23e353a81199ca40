//! Apps: the tenants, and their settings.
//!
//! This folder owns how an app comes to be and what its admin may set. It must not know what an
//! app declares about people; that is the data map's.

mod create;
mod list;
mod settings;

use oubli_domain::{AppId, AppState, Code, Refusal, Time};

pub use create::{Created, create};
pub use list::{get, list, require_standing};
pub use settings::{put_settings, settings};

/// The longest title of an app or a client, in characters.
pub(crate) const MAX_TITLE: usize = 120;

/// An app, as it is shown.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct App {
    /// Its name in every path.
    pub app: AppId,
    /// What people call it.
    pub title: String,
    /// The version of the data map in force; 0 before the first one.
    pub data_map_version: i64,
    /// Whether it can be used.
    pub state: AppState,
    /// Whether its deletion is proposed and waits for its approval.
    pub deletion_proposed: bool,
    /// When it was created.
    pub created_at: Time,
}

impl From<oubli_store::apps::App> for App {
    fn from(stored: oubli_store::apps::App) -> Self {
        Self {
            app: stored.app,
            title: stored.title,
            data_map_version: stored.data_map_version,
            state: stored.state,
            deletion_proposed: false,
            created_at: stored.created_at,
        }
    }
}

/// Checks a title: what people read in lists, on one line.
pub(crate) fn check_title(title: &str) -> Result<(), Refusal> {
    let length = title.chars().count();
    if !(1..=MAX_TITLE).contains(&length)
        || title.trim() != title
        || title.chars().any(char::is_control)
    {
        let rule = "must be 1 to 120 characters on one line, without spaces around";
        return Err(Refusal::new(Code::InvalidBody).at("/title", rule));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
