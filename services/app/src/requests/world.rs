//! What the tests of requests share: a shop with people in it, and a worker.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use oubli_domain::clock::TestClock;
use oubli_domain::consent::{Action, Gpp, Signals};
use oubli_domain::request::RequestScope;
use oubli_domain::{AppId, ClaimId, Name, Pii, RecordId, RequestId, Right, SubjectId};
use oubli_store::erasure::{KEY_TABLES, delete_chunk};
use oubli_store::keys::key_sets;
use oubli_store::keys::subject_keys::{self, WrappedDataKey};
use oubli_store::records::RecordKey;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::{Details, NewRequest, create, get};
use crate::consents::{self, NewConsent};
use crate::subjects::{NewIdentifier, SubjectSelector};
use crate::{Call, Caller, Oubli, Worker, data_map, records, subjects, testing};

/// A service with one app that declares a shop.
pub(crate) struct World {
    pub(crate) dir: TempDir,
    pub(crate) oubli: Arc<Oubli>,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) app: AppId,
}

impl World {
    pub(crate) async fn new() -> Self {
        let (dir, oubli, clock) = testing::oubli().await;
        Self::over(dir, oubli, clock).await
    }

    /// The same over a service that the test opened.
    pub(crate) async fn over(dir: TempDir, oubli: Arc<Oubli>, clock: Arc<TestClock>) -> Self {
        let app = testing::app(&oubli, "shop").await;
        data_map::put(&oubli, &Call::system(app.clone()), shop()).await.unwrap();
        Self { dir, oubli, clock, app }
    }

    /// Closes the service and opens it again from its files, as after a crash.
    pub(crate) async fn reopen(&mut self) {
        self.oubli.close().await;
        self.oubli = testing::node(&self.dir, &self.clock).await;
    }

    pub(crate) fn call(&self) -> Call {
        Call::system(self.app.clone())
    }

    pub(crate) fn caller(&self) -> Caller {
        self.call().caller
    }

    /// A person with an e-mail address.
    pub(crate) async fn person(&self, name: &str) -> SubjectId {
        let value = Pii::new(email(name));
        let new = NewIdentifier { kind: oubli_domain::IdentifierType::Email, value };
        subjects::create(&self.oubli, &self.call(), vec![new]).await.unwrap().subject
    }

    pub(crate) async fn put(&self, subject: SubjectId, category: &str, record: &str, body: Value) {
        let key = key(subject, category, record);
        records::put(&self.oubli, &self.call(), &key, body, None).await.unwrap();
    }

    /// A person with two records, a consent event and a logged read.
    pub(crate) async fn customer(&self, name: &str) -> SubjectId {
        let subject = self.person(name).await;
        let profile = json!({ "name": name, "email": email(name), "tags": "vip" });
        self.put(subject, "profile", "main", profile).await;
        self.put(subject, "invoice", "1", json!({ "total": 12.5, "note": "late" })).await;
        let consent = NewConsent {
            purpose: self::name("newsletter"),
            action: Action::Refused,
            notice_version: None,
            language: None,
            id: None,
            signals: Signals { gpc: Some(true), gpp: Some(Gpp::new("DBABMA~CHOICE").unwrap()) },
        };
        consents::record(&self.oubli, &self.call(), subject, &consent).await.unwrap();
        let (key, purpose) = (key(subject, "profile", "main"), self::name("fulfil"));
        records::get(&self.oubli, &self.caller(), &key, &purpose).await.unwrap();
        subject
    }

    pub(crate) async fn request(&self, right: Right, subject: SubjectId) -> RequestId {
        let new = new_request(right, subject);
        create(&self.oubli, &self.call(), new).await.unwrap().request
    }

    pub(crate) async fn details(&self, request: RequestId) -> Details {
        get(&self.oubli, &self.caller(), request).await.unwrap()
    }

    /// Takes a person's data key away, and puts another row in its place.
    pub(crate) async fn lose_key(&self, subject: SubjectId, instead: Option<WrappedDataKey>) {
        let (app, at) = (self.app.clone(), self.oubli.now());
        let revision = self.oubli.keyring().app(&self.app).await.unwrap().revision();
        let lost = self.oubli.keys().write("test.lose", move |tx| {
            let (app, instead) = (app.clone(), instead.clone());
            Box::pin(async move {
                let table = KEY_TABLES.iter().find(|table| table.name == "subject_keys").unwrap();
                assert_eq!(delete_chunk(tx, table, &app, subject).await?, 1);
                match &instead {
                    Some(row) => {
                        let held = key_sets::hold(tx, &app, revision).await?;
                        subject_keys::insert(tx, &held, row, at).await
                    }
                    None => Ok(()),
                }
            })
        });
        lost.await.unwrap();
        self.oubli.keyring().forget(&self.app, subject);
    }

    /// A row of a key that was made for somebody else.
    pub(crate) async fn foreign_key(&self, subject: SubjectId) -> WrappedDataKey {
        let at = self.oubli.now();
        let (other, claim) = (SubjectId::fresh(at), ClaimId::fresh(at));
        let keys = self.oubli.keyring().app(&self.app).await.unwrap();
        WrappedDataKey { subject, live: true, ..keys.new_data_key(other, claim).unwrap().1 }
    }

    pub(crate) fn worker(&self) -> Worker {
        Worker::new(Arc::clone(&self.oubli), CancellationToken::new())
    }

    pub(crate) async fn work(&self) {
        self.worker().run_until_idle().await.unwrap();
    }
}

pub(crate) fn new_request(right: Right, subject: SubjectId) -> NewRequest {
    let subject = SubjectSelector::Id(subject);
    NewRequest { right, subject, scope: RequestScope::default(), received_at: None }
}

pub(crate) fn email(name: &str) -> String {
    format!("{name}@people.example")
}

pub(crate) fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

pub(crate) fn key(subject: SubjectId, category: &str, record: &str) -> RecordKey {
    let record = RecordId::new(record).unwrap();
    RecordKey { subject, category: name(category), record }
}

/// A contract reads profile and invoice; a consent reads the address; a legal duty reads notes.
fn shop() -> Value {
    let text = |kind: &str, origin: &str| json!({ "schema": {"type": "string"}, "classification": kind, "origin": origin });
    json!({
        "categories": {
            "profile": {
                "title": "Profile",
                "clock_start": {"from": "last_contact"},
                "fields": {
                    "name": text("name", "provided"),
                    "email": text("email_address", "provided"),
                    "tags": text("interest", "derived"),
                },
            },
            "invoice": {
                "title": "Invoice",
                "clock_start": {"from": "created"},
                "duration": "P10Y",
                "fields": {
                    "total": {"schema": {"type": "number"}, "classification": "financial",
                              "origin": "observed"},
                    "note": text("other", "provided"),
                },
            },
        },
        "purposes": {
            "fulfil": {"title": "Fulfil orders", "lawful_basis": "contract",
                       "reads": {"profile": ["name", "tags"], "invoice": ["total"]}},
            "newsletter": {"title": "Newsletter", "lawful_basis": "consent",
                           "notice": "newsletter", "reads": {"profile": ["email"]}},
            "books": {"title": "Accounts", "lawful_basis": "legal_obligation",
                      "reads": {"invoice": ["*"]}},
        },
        "app": {
            "controller": {"name": "Shop Ltd"},
            "subject_kinds": ["customers"],
            "recipients": [{"name": "mailer", "title": "Mail Inc"}],
            "time_zone": "Europe/Paris",
            "country": "FR",
        },
    })
}
