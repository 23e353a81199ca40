//! A service of its own for each test.
#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use oubli_app::Actor;
use oubli_app::auth::VisibleApps;
use oubli_app::staff::{self, NewStaff};
use oubli_domain::clock::SystemClock;
use oubli_domain::scope::{Role, Scope, Scopes};
use oubli_domain::{Clock, Pii};
use oubli_server::boot::{self, Roles, Service};
use oubli_server::config::http::Http;
use oubli_server::config::{Config, RootKey, Storage, Work};
use oubli_test_postgres::DatabasePair;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::caller::Caller;

/// The password of every staff user that a test makes.
pub const PASSWORD: &str = "six otters row past midnight";

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
    roles: Roles,
    issuer: String,
    rate_limit: bool,
}

/// The issuer of tokens, which must outlive a restart on another port.
const ISSUER: &str = "http://oubli.test";

impl TestServer {
    /// Starts a service with nothing in it.
    pub async fn start(engine: Engine) -> Self {
        Self::start_at(engine, Arc::new(SystemClock)).await
    }

    /// Starts a service that lives by `clock`.
    pub async fn start_at(engine: Engine, clock: Arc<dyn Clock>) -> Self {
        Self::start_as(engine, clock, Roles { serve: true, work: true }).await
    }

    /// Starts a service that takes requests and leaves their jobs alone until
    /// [`TestServer::work`]: what holds between an acknowledgement and its job can be seen.
    pub async fn start_idle(engine: Engine) -> Self {
        Self::start_as(engine, Arc::new(SystemClock), Roles { serve: true, work: false }).await
    }

    /// Lets an idle service work on its jobs; it listens on another port afterwards.
    pub async fn work(&mut self) {
        self.roles.work = true;
        self.restart().await;
    }

    /// Starts a service that takes as many calls as come.
    pub async fn start_without_rate_limit(engine: Engine) -> Self {
        let mut server = Self::start(engine).await;
        server.rate_limit = false;
        server.restart().await;
        server
    }

    async fn start_as(engine: Engine, clock: Arc<dyn Clock>, roles: Roles) -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let databases = match engine {
            Engine::Sqlite => None,
            Engine::Postgres => Some(
                oubli_test_postgres::fresh_databases("blackbox")
                    .await
                    .expect("a PostgreSQL server"),
            ),
        };
        let issuer = ISSUER.to_owned();
        let mut server = Self {
            url: String::new(),
            dir,
            service: None,
            databases,
            clock,
            roles,
            issuer,
            rate_limit: true,
        };
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
                data_url_file: None,
                keys_url_file: None,
                connections: 8,
            },
            root_key: RootKey {
                root_key_file: at("keys/root.key"),
                root_passphrase_file: None,
                from_environment: None,
            },
            work: Work {
                journal_dir: at("journal"),
                key_cache_seconds: 0,
                certificate_wait_seconds: 0,
            },
        }
    }

    async fn migrate(&self) {
        if self.databases.is_some() {
            boot::migrate(&self.config().storage).await.expect("migrations apply");
        }
    }

    /// How the service answers.
    #[must_use]
    pub fn http(&self) -> Http {
        let bind = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
        let mut http = Http::on(bind, Some(self.issuer.clone()));
        http.rate_limit.enabled = self.rate_limit;
        http
    }

    async fn boot(&mut self) {
        let clock = Arc::clone(&self.clock);
        let started = Service::start(&self.config(), &self.http(), self.roles, clock).await;
        let service = started.expect("the service starts");
        self.url = format!("http://{}", service.address.expect("it listens"));
        self.service = Some(service);
    }

    /// Stops the service and starts it again on the same databases.
    pub async fn restart(&mut self) {
        self.stop().await;
        self.boot().await;
    }

    /// Starts the service again as one of another URL: another issuer and audience of tokens,
    /// with the same keys.
    pub async fn restart_as(&mut self, url: &str) {
        url.clone_into(&mut self.issuer);
        self.restart().await;
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
        let name = self.staff_user(role, apps).await;
        let login = json!({ "name": name, "password": PASSWORD });
        let reply = self.anonymous().post("/v1/staff/login", &login).await.expect_status(200);
        self.anonymous().with_token(reply.text("/access_token"))
    }

    /// Makes a staff user with [`PASSWORD`], and gives the name.
    pub async fn staff_user(&self, role: Role, apps: &str) -> String {
        // A clock that stands still names nobody.
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("{}-{}", role.as_str(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let visible = match apps {
            "*" => VisibleApps::All,
            app => VisibleApps::Only(vec![app.parse().expect("an app's name")]),
        };
        let password = Pii::new(PASSWORD.to_owned());
        let new =
            NewStaff { name: name.clone(), role, apps: visible, password, must_change: false };
        let oubli = self.service.as_ref().expect("a running service").oubli();
        staff::create_user(oubli, &Actor::System, new).await.expect("a staff user");
        name
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
            None => Scopes::of_clients().iter().map(Scope::as_str).collect(),
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
