//! The signed receipt of a consent event.

use std::collections::BTreeMap;

use oubli_domain::consent::{Action, ConsentEvent, Language, Shown};
use oubli_domain::data_map::{CompiledDataMap, DataMap, Purpose, SpecialGround};
use oubli_domain::{AppId, Code, EventId, Name, SubjectId};
use oubli_store::data_maps::StoredDataMap;
use oubli_store::{Conn, consents, data_maps, notices, subjects};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::signals::RecordedEvent;
use super::state::log_read;
use crate::caller::Caller;
use crate::error::{Error, Result};
use crate::log::hex;
use crate::model::compile;
use crate::oubli::Oubli;
use crate::receipt::{
    Claims, Declared, DeclaredPurpose, Event, PiiInformation, PrivacyNotice, Processing, PurposeOf,
    ReceivedSignals, Retention, SCHEMA_VERSION, parties,
};
use crate::signed;

/// The receipt of an event, as a compact JWS. It tells what was in force when the person acted,
/// and nothing of what became of the consent since. The read is logged.
///
/// # Errors
/// `consent-event-not-found`; `subject-not-found`, `subject-erasing`.
pub async fn receipt(
    oubli: &Oubli,
    caller: &Caller,
    subject: SubjectId,
    event: EventId,
) -> Result<String> {
    let app = &caller.app;
    let mut conn = oubli.data().snapshot().await?;
    subjects::require(&mut conn, app, subject).await?;
    let stored = consents::get(&mut conn, app, subject, event).await?;
    let stored = stored.ok_or(Code::ConsentEventNotFound)?;
    let then = Then::read(&mut conn, app, &stored.event).await?;
    drop(conn);
    let key = oubli.keyring().data_key(app, subject).await?;
    let recorded = RecordedEvent::open(&key, stored)?;
    let signing = oubli.keyring().app(app).await?;
    let jws = signed::sign(&signing.log_signing, &claims(oubli, app, subject, recorded, then))?;
    log_read(oubli, caller, subject, json!({ "view": "receipt", "consent_event": event })).await?;
    Ok(jws)
}

/// What stood when the person acted.
struct Then {
    map: Option<(Declared, CompiledDataMap)>,
    notice: Option<PrivacyNotice>,
}

impl Then {
    async fn read(conn: &mut Conn, app: &AppId, event: &ConsentEvent) -> Result<Self> {
        let notice = match &event.shown {
            Some(shown) => Some(notice(conn, app, shown).await?),
            None => None,
        };
        Ok(Self { map: map(conn, app, event).await?, notice })
    }
}

/// The data map that was in force when the person acted, or else, for an event imported from
/// before its purpose was declared, when it was recorded. None when neither declares the purpose:
/// a withdrawal counts also after its purpose has left the data map.
async fn map(
    conn: &mut Conn,
    app: &AppId,
    event: &ConsentEvent,
) -> Result<Option<(Declared, CompiledDataMap)>> {
    for at in [event.occurred_at, event.recorded_at] {
        let Some(stored) = data_maps::at(conn, app, at).await? else { continue };
        let map = compile(&stored.document)?;
        if map.purpose(&event.purpose).is_ok() {
            return Ok(Some((declared(&stored), map)));
        }
    }
    Ok(None)
}

fn declared(stored: &StoredDataMap) -> Declared {
    Declared {
        version: stored.version,
        digest_sha256: hex(&stored.digest),
        put_at: stored.created_at,
    }
}

async fn notice(conn: &mut Conn, app: &AppId, shown: &Shown) -> Result<PrivacyNotice> {
    let damaged = || Error::Damaged("notices.texts");
    let stored = notices::get(conn, app, &shown.notice, Some(shown.version.into())).await?;
    let stored = stored.ok_or_else(damaged)?;
    let texts: BTreeMap<Language, String> =
        serde_json::from_str(&stored.texts_json).map_err(|_| damaged())?;
    let text = texts.get(&shown.language).ok_or_else(damaged)?;
    Ok(PrivacyNotice {
        name: shown.notice.clone(),
        version: shown.version,
        text_sha256: hex(&Sha256::digest(text.as_bytes())),
        digest_sha256: hex(&stored.digest),
    })
}

fn claims(
    oubli: &Oubli,
    app: &AppId,
    subject: SubjectId,
    recorded: RecordedEvent,
    then: Then,
) -> Claims {
    let RecordedEvent { event, signals } = recorded;
    let map = then.map.as_ref().map(|(_, map)| map);
    let purpose = map.and_then(|map| map.purpose(&event.purpose).ok());
    Claims {
        iss: oubli.options().issuer.clone(),
        iat: oubli.now().seconds(),
        app: app.clone(),
        schema_version: SCHEMA_VERSION.to_owned(),
        record_id: event.id,
        pii_principal_id: subject,
        event: event_of(&event, subject, purpose),
        party_identification: map.map(|map| parties(map.map())).unwrap_or_default(),
        pii_processing: Processing {
            privacy_notice: then.notice,
            language: event.shown.map(|shown| shown.language),
            purposes: vec![PurposeOf {
                declared: map.zip(purpose).map(|(m, p)| declared_purpose(m, &event.purpose, p)),
                purpose: event.purpose,
            }],
        },
        data_map: then.map.map(|(declared, _)| declared),
        signals: ReceivedSignals::of(&signals),
    }
}

fn event_of(event: &ConsentEvent, subject: SubjectId, purpose: Option<&Purpose>) -> Event {
    let explicit =
        purpose.is_some_and(|p| p.special_ground == Some(SpecialGround::ExplicitConsent));
    let validity = purpose.and_then(|p| p.consent_validity);
    let validity = validity.filter(|_| event.action == Action::Granted);
    let state = match event.action {
        Action::Granted => "dpv:ConsentGiven",
        Action::Refused => "dpv:ConsentRefused",
        Action::Withdrawn => "dpv:ConsentWithdrawn",
    };
    let kind = if explicit { "dpv:ExplicitlyExpressedConsent" } else { "dpv:ExpressedConsent" };
    Event {
        event_time: event.occurred_at,
        recorded_at: event.recorded_at,
        validity_duration: validity,
        valid_until: validity.map(|period| period.after(event.occurred_at)),
        entity_id: subject,
        event_type: kind.to_owned(),
        event_state: state.to_owned(),
    }
}

fn declared_purpose(map: &CompiledDataMap, name: &Name, purpose: &Purpose) -> DeclaredPurpose {
    let app = &map.map().app;
    DeclaredPurpose {
        purpose_title: purpose.title.clone(),
        lawful_basis: purpose.lawful_basis.dpv_term().to_owned(),
        pii_information: pii_information(map, name),
        pii_controllers: vec!["controller".to_owned()],
        processing_method: purpose.automated_decision.as_ref().map(|made| made.logic.clone()),
        retention_period: retention(map.map(), purpose),
        processing_locations: app.transfers.clone(),
        jurisdiction: app.country.clone(),
        recipient_third_parties: app.recipients.clone(),
        authority_party: app.supervisory_authority.as_ref().map(|_| "authority".to_owned()),
    }
}

fn pii_information(map: &CompiledDataMap, purpose: &Name) -> Vec<PiiInformation> {
    let read = map.fields_for(purpose).into_iter().flatten();
    let read = read.flat_map(|(category, fields)| fields.iter().map(move |f| (category, f)));
    read.filter_map(|(category, name)| {
        let field = map.map().category(category)?.fields.get(name)?;
        Some(PiiInformation {
            pii_type: field.classification.dpv_term().to_owned(),
            pii_attribute_id: format!("{category}/{name}"),
            pii_optional: !field.required,
            special_pii_category: field.classification.is_special(),
            collection_method: field.origin.clone(),
        })
    })
    .collect()
}

fn retention(map: &DataMap, purpose: &Purpose) -> Vec<Retention> {
    let of = |category: &Name| {
        let declared = map.category(category)?;
        Some(Retention { category: category.clone(), duration: declared.duration })
    };
    purpose.reads.keys().filter_map(of).collect()
}
