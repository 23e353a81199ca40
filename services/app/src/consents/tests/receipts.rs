use oubli_domain::consent::{Action, Gpp, Signals};
use oubli_domain::request::SubjectState;
use oubli_domain::{Code, EventId, Time};
use oubli_store::events;
use oubli_vault::TokenError;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::super::{NewConsent, receipt};
use super::{Shop, newsletter};
use crate::certificate::{CertificateError, verify_certificate};
use crate::data_map;
use crate::data_map::tests::{name, shop, somebody};
use crate::log::hex;
use crate::receipt::{Claims, verify_receipt};
use crate::requests::world::World;
use crate::signed::SignedError;
use crate::testing::{self, refused};

impl Shop {
    async fn receipt(&self, event: EventId) -> String {
        receipt(&self.oubli, &self.call.caller, self.person, event).await.unwrap()
    }

    async fn claims(&self, event: EventId) -> Claims {
        let keys = testing::published_keys(&self.oubli).await.to_string();
        verify_receipt(&self.receipt(event).await, &keys).unwrap()
    }

    async fn put_map(&self, change: impl FnOnce(&mut Value)) {
        let mut map = shop();
        change(&mut map);
        data_map::put(&self.oubli, &self.call, map).await.unwrap();
    }
}

#[tokio::test]
async fn a_receipt_tells_what_was_in_force_when_the_person_acted() {
    let shop = Shop::open().await;
    let gpp = Some(Gpp::new("DBABMA~CHOICE").unwrap());
    let signals = Signals { gpc: Some(false), gpp };
    let granted = NewConsent { signals, ..newsletter(Action::Granted) };
    let event = shop.record(&granted).await.unwrap();
    let then = shop.oubli.now();
    shop.clock.advance(3_600);
    shop.put_notice("news", "Another text", true).await;
    shop.put_map(|map| {
        map["purposes"]["newsletter"]["title"] = json!("Another title");
        map["purposes"]["newsletter"]["consent_validity"] = json!("P2Y");
        map["app"]["controller"]["name"] = json!("Another Ltd");
    })
    .await;

    let claims = shop.claims(event.event).await;
    assert_eq!((claims.iat, claims.iss.as_str()), (then.seconds() + 3_600, testing::ISSUER));
    assert_eq!((claims.record_id, claims.pii_principal_id), (event.event, shop.person));
    assert_eq!(claims.data_map.as_ref().unwrap().version, 1);
    let notice = claims.pii_processing.privacy_notice.unwrap();
    assert_eq!((notice.name, notice.version), (name("news"), 1));
    assert_eq!(notice.text_sha256, hex(&Sha256::digest("First")));
    assert_eq!(claims.pii_processing.language.unwrap().as_str(), "en");
    let [purpose] = &claims.pii_processing.purposes[..] else { panic!("one purpose") };
    let declared = purpose.declared.as_ref().unwrap();
    assert_eq!(declared.purpose_title, "Newsletter");
    assert_eq!(declared.lawful_basis, "eu-gdpr:A6-1-a");
    assert_eq!(declared.jurisdiction, "DE");
    let [field] = &declared.pii_information[..] else { panic!("one field") };
    assert_eq!(
        (field.pii_type.as_str(), field.pii_attribute_id.as_str()),
        ("pd:Name", "profile/name")
    );
    let [controller] = &claims.party_identification[..] else { panic!("one party") };
    assert_eq!(controller.party_name, "Shop Ltd");
    assert_eq!(controller.party_email.as_deref(), Some("privacy@shop.example"));
    assert_eq!(claims.event.event_state, "dpv:ConsentGiven");
    assert_eq!(claims.event.event_time, then);
    assert_eq!(claims.event.validity_duration.unwrap().to_string(), "P1Y");
    assert_eq!(claims.event.valid_until, Some(Time::parse("2027-01-15T12:00:00Z").unwrap()));
    let signals = claims.signals.unwrap();
    assert_eq!((signals.gpc, signals.gpp.as_deref()), (Some(false), Some("DBABMA~CHOICE")));
}

#[tokio::test]
async fn a_receipt_names_the_identifiers_that_the_purpose_reads() {
    let shop = Shop::open().await;
    shop.put_map(|map| {
        map["purposes"]["newsletter"]["reads"]["identifiers"] = json!(["email"]);
    })
    .await;
    let event = shop.record(&newsletter(Action::Granted)).await.unwrap();
    let claims = shop.claims(event.event).await;
    let declared = claims.pii_processing.purposes[0].declared.as_ref().unwrap();
    let email = &declared.pii_information[0];
    assert_eq!(
        (email.pii_type.as_str(), email.pii_attribute_id.as_str()),
        ("pd:EmailAddress", "identifiers/email")
    );
    let kept = &declared.retention_period[0];
    assert_eq!((&kept.category, kept.duration), (&name("identifiers"), None));
}

#[tokio::test]
async fn a_withdrawal_has_a_receipt_also_when_its_purpose_has_gone() {
    let shop = Shop::open().await;
    shop.record(&newsletter(Action::Granted)).await.unwrap();
    shop.clock.advance(60);
    shop.put_map(|map| {
        map["purposes"].as_object_mut().unwrap().shift_remove("newsletter");
    })
    .await;
    let event = shop.record(&newsletter(Action::Withdrawn)).await.unwrap();
    let claims = shop.claims(event.event).await;
    assert_eq!(claims.event.event_state, "dpv:ConsentWithdrawn");
    assert_eq!((claims.event.validity_duration, claims.data_map), (None, None));
    assert_eq!(claims.pii_processing.purposes[0].purpose, name("newsletter"));
    assert_eq!(claims.pii_processing.purposes[0].declared, None);
    assert_eq!(claims.pii_processing.privacy_notice, None);
}

#[tokio::test]
async fn a_receipt_is_of_one_subject_and_its_read_is_logged() {
    let shop = Shop::open().await;
    let event = shop.record(&newsletter(Action::Refused)).await.unwrap().event;
    let (oubli, caller) = (&shop.oubli, &shop.call.caller);
    let other = somebody(oubli, &shop.call).await;
    let stranger = receipt(oubli, caller, other, event).await;
    assert_eq!(refused(stranger), Code::ConsentEventNotFound);
    let nothing = EventId::fresh(oubli.now());
    let unknown = receipt(oubli, caller, shop.person, nothing).await;
    assert_eq!(refused(unknown), Code::ConsentEventNotFound);
    shop.receipt(event).await;
    let mut conn = oubli.data().conn().await.unwrap();
    let read = events::of_subject(&mut conn, &caller.app, shop.person, "consent.read", None, 10);
    let payloads: Vec<Value> =
        read.await.unwrap().iter().map(|e| serde_json::from_str(&e.payload).unwrap()).collect();
    assert_eq!(payloads, [json!({ "view": "receipt", "consent_event": event })]);
    drop(conn);
    shop.set_state(SubjectState::Erasing).await;
    let late = receipt(oubli, caller, shop.person, event).await;
    assert_eq!(refused(late), Code::SubjectErasing);
}

#[tokio::test]
async fn a_changed_or_foreign_receipt_does_not_hold() {
    let shop = Shop::open().await;
    let event = shop.record(&newsletter(Action::Granted)).await.unwrap().event;
    let jws = shop.receipt(event).await;
    let published = testing::published_keys(&shop.oubli).await;
    let keys = published.to_string();
    assert!(verify_receipt(&format!("{jws}\n"), &keys).is_ok());
    for place in [5, jws.len() / 2, jws.len() - 5] {
        let mut changed = jws.clone().into_bytes();
        changed[place] = if changed[place] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).unwrap();
        assert!(verify_receipt(&changed, &keys).is_err(), "{place}");
    }
    for length in [0, 10, jws.find('.').unwrap(), jws.rfind('.').unwrap(), jws.len() - 1] {
        assert!(verify_receipt(&jws[..length], &keys).is_err(), "{length}");
    }
    testing::app(&shop.oubli, "other").await;
    let all = testing::published_keys(&shop.oubli).await;
    let theirs: Vec<&Value> =
        all["keys"].as_array().unwrap().iter().filter(|key| key["app"] == "other").collect();
    let theirs = verify_receipt(&jws, &json!({ "keys": theirs }).to_string());
    assert!(matches!(theirs, Err(SignedError::Signature(TokenError::UnknownKey))));
    let mut renamed = published.clone();
    renamed["keys"][0]["app"] = "other".into();
    let renamed = verify_receipt(&jws, &renamed.to_string());
    assert!(matches!(renamed, Err(SignedError::OtherApp)));
    assert!(matches!(verify_receipt(&jws, "[]"), Err(SignedError::Keys(_))));
    let as_certificate = verify_certificate(&jws, &keys);
    let wrong_type = CertificateError::Signed(SignedError::Signature(TokenError::Type));
    assert_eq!(as_certificate.unwrap_err().to_string(), wrong_type.to_string());
}

#[tokio::test]
async fn a_certificate_is_no_receipt() {
    let world = World::new().await;
    let ada = world.customer("ada").await;
    let request = world.request(oubli_domain::Right::Erasure, ada).await;
    world.work().await;
    let jws = crate::requests::certificate(&world.oubli, &world.caller(), request).await.unwrap();
    let keys = testing::published_keys(&world.oubli).await.to_string();
    assert!(verify_certificate(&jws, &keys).is_ok());
    let as_receipt = verify_receipt(&jws, &keys);
    assert!(matches!(as_receipt, Err(SignedError::Signature(TokenError::Type))));
}
