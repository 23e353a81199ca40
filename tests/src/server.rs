//! A service of its own for each test.
#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use oubli_app::Actor;
use oubli_app::auth::VisibleApps;
use oubli_app::staff::{self, NewStaff};
use oubli_domain::clock::SystemClock;
use oubli_domain::scope::Role;
use oubli_domain::{Clock, Pii};
use oubli_server::boot::{self, Roles, Service};
use oubli_server::config::{Config, Listen, RootKey, Storage, Work};
use oubli_test_postgres::DatabasePair;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::caller::Caller;

/// The password of every staff user that a test makes.
const PASSWORD: &str = "six otters row past midnight";

/// Which databases a service runs on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Engine {
    /// The embedded one.
    Sqlite,
    /// A real PostgreSQL server; see the `oubli-test-postgres` crate.
    Postgres,
}

/// A running service.
pub struct TestServer {
    /// Its URL, without a slash at the end.
    pub url: String,
    /// Its folder: databases, root key, journal.
    pub dir: TempDir,
    service: Option<Service>,
    databases: Option<DatabasePair>,
    clock: Arc<dyn Clock>,
}

impl TestServer {
    /// Starts a service with nothing in it.
    pub async fn start(engine: Engine) -> Self {
        Self::start_at(engine, Arc::new(SystemClock)).await
    }

    /// Starts a service that lives by `clock`.
    pub async fn start_at(engine: Engine, clock: Arc<dyn Clock>) -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let databases = match engine {
            Engine::Sqlite => None,
            Engine::Postgres => Some(
                oubli_test_postgres::fresh_databases("blackbox")
                    .await
                    .expect("a PostgreSQL server"),
            ),
        };
        let mut server = Self { url: String::new(), dir, service: None, databases, clock };
        server.migrate().await;
        server.boot().await;
        server
    }

    /// The configuration of the service, as flags would make it.
    #[must_use]
    pub fn config(&self) -> Config {
        let at = |name: &str| -> PathBuf { self.dir.path().join(name) };
        Config {
            storage: Storage {
                data_dir: at("data"),
                data_url: self.databases.as_ref().map(|d| d.data_url().to_owned()),
                keys_url: self.databases.as_ref().map(|d| d.keys_url().to_owned()),
                connections: 8,
            },
            root_key: RootKey {
                root_key_file: at("keys/root.key"),
                root_passphrase_file: None,
                from_environment: None,
            },
            work: Work { journal_dir: at("journal"), key_cache_seconds: 0 },
        }
    }

    async fn migrate(&self) {
        if self.databases.is_some() {
            boot::migrate(&self.config().storage).await.expect("migrations apply");
        }
    }

    /// How the service listens.
    #[must_use]
    pub fn listen() -> Listen {
        let bind = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
        // The issuer must outlive a restart on another port.
        Listen { bind, behind_proxy: false, url: Some("http://oubli.test".to_owned()) }
    }

    async fn boot(&mut self) {
        let roles = Roles { serve: true, work: true };
        let started =
            Service::start(&self.config(), &Self::listen(), roles, Arc::clone(&self.clock)).await;
        let service = started.expect("the service starts");
        self.url = format!("http://{}", service.address.expect("it listens"));
        self.service = Some(service);
    }

    /// Stops the service and starts it again on the same databases.
    pub async fn restart(&mut self) {
        self.stop().await;
        self.boot().await;
    }

    /// Stops the service; its databases stay.
    pub async fn stop(&mut self) {
        if let Some(service) = self.service.take() {
            service.stop().await;
        }
    }

    /// A caller without a token.
    #[must_use]
    pub fn anonymous(&self) -> Caller {
        Caller::new(&self.url)
    }

    /// Makes a staff user of a role who sees `apps` (`*` for all) and signs them in.
    pub async fn staff(&self, role: Role, apps: &str) -> Caller {
        let name = format!("{}-{:x}", role.as_str(), self.clock.now().0);
        let visible = match apps {
            "*" => VisibleApps::All,
            app => VisibleApps::Only(vec![app.parse().expect("an app's name")]),
        };
        let password = Pii::new(PASSWORD.to_owned());
        let new = NewStaff { name: name.clone(), role, apps: visible, password };
        let oubli = self.service.as_ref().expect("a running service").oubli();
        staff::create_user(oubli, &Actor::System, new).await.expect("a staff user");
        let login = json!({ "name": name, "password": PASSWORD });
        let reply = self.anonymous().post("/v1/staff/login", &login).await.expect_status(200);
        self.anonymous().with_token(reply.text("/access_token"))
    }

    /// Makes an app with the harness's data map and a client of it with every scope.
    pub async fn app(&self, name: &str) -> Caller {
        let admin = self.staff(Role::Admin, "*").await;
        admin.post("/v1/apps", &json!({ "app": name, "title": name })).await.expect_status(201);
        let caller = self.client(&admin, name, None).await;
        let texts = json!({ "texts": { "en": "We write to you once a month." } });
        caller.put("/notices/newsletter", &texts).await.expect_status(201);
        caller.put("/data-map", &crate::data_map()).await.expect_status(201);
        caller
    }

    /// Makes a client of an app with these scopes (all when none) and signs it in.
    pub async fn client(&self, admin: &Caller, app: &str, scopes: Option<&[&str]>) -> Caller {
        let scopes: Value = match scopes {
            Some(scopes) => scopes.into(),
            None => oubli_domain::scope::Scopes::of_clients().iter().map(|s| s.as_str()).collect(),
        };
        let new = json!({ "title": "test", "scopes": scopes });
        let made = admin.post(&format!("/v1/apps/{app}/clients"), &new).await.expect_status(201);
        let (id, secret) = (made.text("/client_id"), made.text("/client_secret"));
        self.anonymous().for_app(app).sign_in(&id, &secret).await
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        // A test that ends without `stop` leaves tasks to the runtime, which ends with it.
        drop(self.service.take());
    }
}
