//! How apps and their settings look on the wire.

use oubli_app::{Settings, apps};
use oubli_domain::{AppId, AppState, Refusal, Time};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::extract::{Input, read_json};

/// An app.
#[derive(Serialize, ToSchema)]
#[expect(clippy::struct_field_names, reason = "the member is called so on the wire")]
pub(crate) struct App {
    /// Its name in every path.
    #[schema(value_type = String, example = "shop")]
    pub(crate) app: AppId,
    /// What people call it.
    #[schema(example = "Web shop")]
    title: String,
    /// The version of the data map in force; 0 before the first one.
    #[schema(minimum = 0, example = 1)]
    data_map_version: i64,
    /// `active`, `deleting`, or `deleted`: then nothing but its name is left, which stays taken.
    #[schema(value_type = String, example = "active")]
    state: AppState,
    /// Whether its deletion is proposed and waits for another admin.
    #[schema(example = false)]
    deletion_proposed: bool,
    /// When it was created.
    #[schema(value_type = String, format = DateTime)]
    created_at: Time,
}

impl From<apps::App> for App {
    fn from(app: apps::App) -> Self {
        let apps::App { app, title, data_map_version, state, deletion_proposed, created_at } = app;
        Self { app, title, data_map_version, state, deletion_proposed, created_at }
    }
}

/// The settings of an app. A member that is left out gets its default.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct AppSettings {
    /// For how many seconds an access token of a client is valid.
    #[schema(minimum = 60, maximum = 3600, default = 900)]
    access_token_seconds: u32,
    /// For how many hours an export can be downloaded.
    #[schema(minimum = 1, maximum = 720, default = 72)]
    download_hours: u32,
    /// For how many months the log tells what a read was of: its payload goes after them, the event
    /// stays.
    #[schema(minimum = 1, maximum = 120, default = 12)]
    read_payload_months: u32,
}

impl Default for AppSettings {
    fn default() -> Self {
        Settings::default().into()
    }
}

impl From<Settings> for AppSettings {
    fn from(settings: Settings) -> Self {
        let Settings { access_token_seconds, download_hours, read_payload_months } = settings;
        Self { access_token_seconds, download_hours, read_payload_months }
    }
}

impl From<AppSettings> for Settings {
    fn from(settings: AppSettings) -> Self {
        let AppSettings { access_token_seconds, download_hours, read_payload_months } = settings;
        Self { access_token_seconds, download_hours, read_payload_months }
    }
}

impl Input for AppSettings {
    fn read(value: Value) -> Result<Self, Refusal> {
        read_json(value)
    }
}
