//! What stands under which key.

use oubli_domain::identifier::IdentifierType;
use oubli_domain::{AppId, Time};
use oubli_store::keys::{app_keys, blind_indexes, service_secrets, subject_keys, work};
use serde::Serialize;

use super::Result;
use super::work::apps;
use crate::auth::schedule;
use crate::error::Error;
use crate::keyring::index_name;
use crate::oubli::Oubli;
use crate::secrets;

/// The keys of the service: counts and times, no key and nothing about a person.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Status {
    /// Who keeps the root key.
    pub root_provider: &'static str,
    /// The root key versions that there are, oldest first.
    pub root_versions: Vec<u32>,
    /// The version that new keys are wrapped under.
    pub root_current: u32,
    /// The versions under which something is wrapped.
    pub root_versions_used: Vec<i64>,
    /// Whether the provider can delete a version.
    pub root_can_delete: bool,
    /// Each app's keys.
    pub apps: Vec<AppStatus>,
    /// The keys that sign access tokens, oldest first.
    pub token_keys: Vec<TokenKeyStatus>,
    /// What is under way, or was last.
    pub work: Option<WorkStatus>,
    /// When the last rotation ended.
    pub rotated_at: Option<Time>,
}

/// The keys of an app.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct AppStatus {
    /// The app.
    pub app: AppId,
    /// Its epochs, oldest first; the last wraps what is new.
    pub epochs: Vec<EpochStatus>,
    /// Its blind-index keys, by type and version.
    pub indexes: Vec<IndexStatus>,
}

/// An epoch.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct EpochStatus {
    /// Its number.
    pub epoch: i64,
    /// The root key version that wraps its key.
    pub root_version: i64,
    /// When it began.
    pub created_at: Time,
    /// How many data keys stand under it.
    pub data_keys: i64,
    /// How many secrets of the app stand under it.
    pub secrets: usize,
    /// Since when nothing stands under it.
    pub emptied_at: Option<Time>,
}

/// A blind-index key.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct IndexStatus {
    /// The type of identifiers.
    #[serde(rename = "type")]
    pub kind: IdentifierType,
    /// The version.
    pub version: i64,
    /// How many identifiers have an index of it.
    pub identifiers: i64,
    /// Whether a reindex is filling it: an older version is in force too.
    pub filling: bool,
}

/// A key that signs access tokens.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct TokenKeyStatus {
    /// Its version.
    pub version: i64,
    /// Whether it signs now.
    pub signing: bool,
    /// When it was made, and published.
    pub created_at: Time,
    /// From when on it signs.
    pub signs_from: Time,
    /// When it goes.
    pub gone_at: Option<Time>,
}

/// Work on keys.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct WorkStatus {
    /// `rotate`, `reindex` or `retire`.
    pub kind: String,
    /// `running`, `interrupted` or `ended`.
    pub state: &'static str,
    /// When it began.
    pub started_at: Time,
    /// When it ended.
    pub ended_at: Option<Time>,
    /// Rows done since it was taken up.
    pub done: i64,
    /// Rows to do when it was taken up.
    pub total: i64,
}

/// The keys as they stand.
///
/// # Errors
/// When the database does not answer.
pub async fn status(oubli: &Oubli) -> Result<Status> {
    let (root, now) = (oubli.keyring().root(), oubli.now());
    root.refresh()?;
    let mut status = Status {
        root_provider: root.name(),
        root_versions: root.versions(),
        root_current: root.current(),
        root_versions_used: app_keys::root_versions(&mut oubli.keys().conn().await?).await?,
        root_can_delete: root.can_delete(),
        apps: Vec::new(),
        token_keys: token_keys(oubli, now).await?,
        work: None,
        rotated_at: None,
    };
    for app in apps(oubli, None).await? {
        status.apps.push(of_app(oubli, app).await?);
    }
    if let Some(work) = work::get(&mut oubli.keys().conn().await?).await? {
        status.rotated_at = work.rotated_at.map(Time);
        status.work = Some(of_work(work, now));
    }
    Ok(status)
}

fn of_work(work: work::Work, now: Time) -> WorkStatus {
    let state = match work.ended_at {
        Some(_) => "ended",
        None if now < Time(work.leased_until) => "running",
        None => "interrupted",
    };
    WorkStatus {
        kind: work.kind,
        state,
        started_at: Time(work.started_at),
        ended_at: work.ended_at.map(Time),
        done: work.done,
        total: work.total,
    }
}

async fn of_app(oubli: &Oubli, app: AppId) -> Result<AppStatus> {
    let mut conn = oubli.keys().snapshot().await?;
    let secrets = app_keys::secrets(&mut conn, &app).await?;
    let data_keys = subject_keys::counts(&mut conn, &app).await?;
    let epochs = app_keys::epochs(&mut conn).await?;
    let epochs = epochs.into_iter().filter(|epoch| epoch.app_id == app.as_str());
    let epochs = epochs.map(|epoch| EpochStatus {
        epoch: epoch.epoch,
        root_version: epoch.root_version,
        created_at: Time(epoch.created_at),
        data_keys: data_keys.iter().find(|(n, _)| *n == epoch.epoch).map_or(0, |(_, keys)| *keys),
        secrets: secrets.iter().filter(|secret| secret.epoch == epoch.epoch).count(),
        emptied_at: epoch.emptied_at.map(Time),
    });
    let epochs = epochs.collect();
    let counts = blind_indexes::counts(&mut conn).await?;
    let mut indexes = Vec::new();
    for kind in IdentifierType::ALL {
        let name = index_name(*kind);
        let versions = secrets.iter().filter(|secret| secret.name == name).map(|s| s.version);
        indexes.extend(versions.enumerate().map(|(n, version)| {
            let these = |(of, named, number, _): &&(String, String, i64, i64)| {
                of == app.as_str() && named == kind.as_str() && *number == version
            };
            let identifiers = counts.iter().find(these).map_or(0, |(.., count)| *count);
            IndexStatus { kind: *kind, version, identifiers, filling: n > 0 }
        }));
    }
    Ok(AppStatus { app, epochs, indexes })
}

async fn token_keys(oubli: &Oubli, now: Time) -> Result<Vec<TokenKeyStatus>> {
    let stored = service_secrets::all(&mut oubli.keys().conn().await?).await?;
    let rows: Vec<_> = secrets::of_tokens(&stored).collect();
    if rows.is_empty() {
        return Err(Error::Damaged("a service secret is missing").into());
    }
    let made: Vec<Time> = rows.iter().map(|row| Time(row.created_at)).collect();
    let times = schedule::times(&made);
    let signing = schedule::signing(&times, now);
    let keys = rows.into_iter().zip(times).enumerate().map(|(n, (row, times))| TokenKeyStatus {
        version: row.version,
        signing: n == signing,
        created_at: times.made_at,
        signs_from: times.signs_from,
        gone_at: times.gone_at,
    });
    Ok(keys.collect())
}
