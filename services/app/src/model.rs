//! What an app declares, ready to be used: settings, compiled data map, terms of its consents.

use std::collections::BTreeMap;
use std::sync::Arc;

use moka::sync::Cache;
use oubli_domain::consent::{Renewal, Terms};
use oubli_domain::data_map::Purpose;
use oubli_domain::{AppId, AppState, Code, CompiledDataMap, DataMap, Name, Refusal};
use oubli_store::apps::App;
use oubli_store::seen::Declared;
use oubli_store::{Conn, apps, data_maps, notices};

use crate::error::{Error, Result};
use crate::settings::Settings;

/// An app as it is declared at one revision.
#[derive(Debug)]
pub struct Model {
    /// The app's row.
    pub app: App,
    /// Its settings.
    pub settings: Settings,
    map: Option<CompiledDataMap>,
    /// The renewals that each notice asked for.
    renewals: BTreeMap<Name, Vec<Renewal>>,
}

impl Model {
    /// The data map in force.
    ///
    /// # Errors
    /// `data-map-not-found` before the first one was put.
    pub fn map(&self) -> Result<&CompiledDataMap, Refusal> {
        self.map.as_ref().ok_or_else(|| Refusal::new(Code::DataMapNotFound))
    }

    /// A purpose that is named as the thing to be looked at or changed.
    ///
    /// # Errors
    /// `data-map-not-found`; `purpose-not-found` when the data map in force has none of this name.
    pub fn in_force(&self, purpose: &Name) -> Result<&Purpose, Refusal> {
        let declared = self.map()?.map().purposes.get(purpose);
        declared.ok_or_else(|| Refusal::new(Code::PurposeNotFound))
    }

    /// The country whose phone numbers need no `+`.
    #[must_use]
    pub fn country(&self) -> Option<&str> {
        self.map.as_ref().map(|map| map.map().app.country.as_str())
    }

    /// What a purpose asks of consent.
    ///
    /// # Errors
    /// `unknown-purpose`.
    pub fn terms(&self, purpose: &Name) -> Result<Terms, Refusal> {
        let declared = self.map()?.purpose(purpose)?;
        let renewals = declared.notice.as_ref().and_then(|notice| self.renewals.get(notice));
        Ok(Terms {
            validity: declared.consent_validity,
            renewals: renewals.cloned().unwrap_or_default(),
        })
    }
}

/// The models that this process holds. A model is used only while the app's revision, read with
/// each call, is the one it was made from.
#[derive(Debug)]
pub(crate) struct Models(Cache<AppId, Arc<Model>>);

impl Models {
    pub(crate) fn new() -> Self {
        Self(Cache::new(10_000))
    }

    /// The model that is held of an app, if it is that of the moment which saw `declared`.
    ///
    /// # Errors
    /// `app-not-found` when the app's deletion was approved.
    pub(crate) fn held(&self, app: &AppId, declared: Declared) -> Result<Option<Arc<Model>>> {
        if declared.state != AppState::Active {
            return Err(Code::AppNotFound.into());
        }
        Ok(self.0.get(app).filter(|m| m.app.revision == declared.revision))
    }

    /// The model of an app at the moment that `conn` sees.
    ///
    /// # Errors
    /// `app-not-found`, also when its deletion was approved.
    pub(crate) async fn of(&self, conn: &mut Conn, app: &AppId) -> Result<Arc<Model>> {
        let row = apps::get(conn, app).await?.filter(|app| app.state == AppState::Active);
        let row = row.ok_or(Code::AppNotFound)?;
        if let Some(held) = self.0.get(app).filter(|m| m.app.revision == row.revision) {
            return Ok(held);
        }
        let model = Arc::new(load(conn, row).await?);
        self.0.insert(app.clone(), Arc::clone(&model));
        Ok(model)
    }
}

async fn load(conn: &mut Conn, app: App) -> Result<Model> {
    let settings =
        serde_json::from_str(&app.settings_json).map_err(|_| Error::Damaged("apps.settings"))?;
    let map = match data_maps::get(conn, &app.app, app.data_map_version).await? {
        None => None,
        Some(stored) => Some(compile(&stored.document)?),
    };
    let mut renewals: BTreeMap<Name, Vec<Renewal>> = BTreeMap::new();
    for (notice, version, from) in notices::renewals(conn, &app.app).await? {
        let version = u32::try_from(version).map_err(|_| Error::Damaged("notices.version"))?;
        let renewal = Renewal { notice: notice.clone(), version, from };
        renewals.entry(notice).or_default().push(renewal);
    }
    Ok(Model { app, settings, map, renewals })
}

/// A stored data map, compiled.
pub(crate) fn compile(document: &str) -> Result<CompiledDataMap> {
    let value = serde_json::from_str(document).map_err(|_| Error::Damaged("data_maps.document"))?;
    DataMap::parse_stored(value)
        .and_then(CompiledDataMap::compile)
        .map_err(|_| Error::Damaged("data_maps.document"))
}
