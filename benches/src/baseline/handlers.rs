//! The routes of the baseline: the service's paths, bodies and sizes of answers.

use std::collections::HashMap;

use actix_web::error::{ErrorBadRequest, ErrorInternalServerError, ErrorNotFound};
use actix_web::{HttpResponse, Result, get, post, put, web};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::databases::{Databases, NewRecord};

type Store = web::Data<Databases>;

/// In the place of every time, as the service writes one.
const TIME: &str = "2026-03-02T09:30:00.000000Z";
/// How much of a stored record is answered, in bytes: what the service answers of it.
const ANSWERED: usize = 1_024;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .service(check)
        .service(check_batch)
        .service(create)
        .service(lookup)
        .service(get_record)
        .service(put_record)
        .service(put_batch);
}

#[derive(Deserialize)]
struct Question {
    subject: String,
    purpose: String,
}

#[derive(Serialize)]
struct Answer {
    permitted: bool,
    reason: Option<&'static str>,
    state: Option<String>,
    since: &'static str,
    expires_at: Option<&'static str>,
}

impl Answer {
    fn of(state: &str, action: Option<String>) -> Self {
        let permitted = state == "active" && action.as_deref() == Some("granted");
        Self { permitted, reason: None, state: action, since: TIME, expires_at: None }
    }
}

#[post("/v1/apps/{app}/consents:check")]
async fn check(
    store: Store,
    app: web::Path<String>,
    asked: web::Json<Question>,
) -> Result<HttpResponse> {
    let found = store.check(&app, id_of(&asked.subject)?, &asked.purpose).await;
    let found = found.map_err(ErrorInternalServerError)?.ok_or_else(not_found)?;
    Ok(HttpResponse::Ok().json(Answer::of(&found.state, found.action)))
}

#[derive(Deserialize)]
struct Items<T> {
    items: Vec<T>,
}

#[post("/v1/apps/{app}/consents:check-batch")]
async fn check_batch(
    store: Store,
    app: web::Path<String>,
    asked: web::Json<Items<Question>>,
) -> Result<HttpResponse> {
    let items = asked.into_inner().items;
    let ids: Vec<Uuid> = items.iter().map(|item| id_of(&item.subject)).collect::<Result<_>>()?;
    let hexes: Vec<String> = ids.iter().map(|id| id.simple().to_string()).collect();
    let (hexes, purposes) = (json!(hexes).to_string(), json!([items[0].purpose]).to_string());
    let subjects = store.subjects(&app, &hexes).await.map_err(ErrorInternalServerError)?;
    let states = store.states(&app, &hexes, &purposes).await.map_err(ErrorInternalServerError)?;
    let subjects: HashMap<Uuid, String> =
        subjects.into_iter().map(|row| (row.subject_id, row.state)).collect();
    let actions: HashMap<Uuid, String> =
        states.into_iter().map(|row| (row.subject_id, row.action)).collect();
    let answers: Vec<Answer> = ids
        .iter()
        .map(|id| Some(Answer::of(subjects.get(id)?, actions.get(id).cloned())))
        .collect::<Option<_>>()
        .ok_or_else(not_found)?;
    Ok(HttpResponse::Ok().json(json!({ "items": answers })))
}

#[post("/v1/apps/{app}/subjects")]
async fn create(
    store: Store,
    app: web::Path<String>,
    _new: web::Json<Value>,
) -> Result<HttpResponse> {
    let id = new_id();
    store.insert_subject(&app, id).await.map_err(ErrorInternalServerError)?;
    let created = json!({ "subject": format!("sub_{}", id.simple()), "created_at": TIME });
    Ok(HttpResponse::Created().json(created))
}

#[derive(Deserialize)]
struct Lookup {
    /// The blind index of an e-mail address, as hex digits.
    index: String,
}

#[post("/v1/apps/{app}/subjects:lookup")]
async fn lookup(
    store: Store,
    app: web::Path<String>,
    asked: web::Json<Lookup>,
) -> Result<HttpResponse> {
    let index = bytes_of(&asked.index).ok_or_else(|| ErrorBadRequest("no hex digits"))?;
    let id = store.find(&app, &index).await.map_err(ErrorInternalServerError)?;
    let id = id.ok_or_else(not_found)?;
    let subject = store.subject(&app, id).await.map_err(ErrorInternalServerError)?;
    let subject = subject.ok_or_else(not_found)?;
    let identifiers = store.identifiers(&app, id).await.map_err(ErrorInternalServerError)?;
    let identifiers: Vec<Value> = identifiers
        .into_iter()
        .map(|row| {
            let id = format!("idn_{}", row.identifier_id.simple());
            json!({ "identifier": id, "type": row.kind, "created_at": TIME })
        })
        .collect();
    Ok(HttpResponse::Ok().json(json!({
        "subject": format!("sub_{}", id.simple()), "state": subject.state, "created_at": TIME,
        "last_contact": TIME, "identifiers": identifiers,
    })))
}

type Place = web::Path<(String, String, String, String)>;

#[get("/v1/apps/{app}/subjects/{subject}/records/{category}/{record}")]
async fn get_record(store: Store, place: Place) -> Result<HttpResponse> {
    let (app, subject, category, record) = place.into_inner();
    let found = store.record(&app, id_of(&subject)?, &category, &record).await;
    let found = found.map_err(ErrorInternalServerError)?.ok_or_else(not_found)?;
    // What is stored is ciphertext; as many letters stand for what it holds.
    let body: String =
        found.body.iter().take(ANSWERED).map(|byte| char::from(b'a' + byte % 26)).collect();
    Ok(HttpResponse::Ok().json(json!({
        "version": found.version, "created_at": TIME, "updated_at": TIME, "body": body,
    })))
}

#[put("/v1/apps/{app}/subjects/{subject}/records/{category}/{record}")]
async fn put_record(store: Store, place: Place, body: web::Bytes) -> Result<HttpResponse> {
    let (app, subject, category, record) = place.into_inner();
    let subject = id_of(&subject)?;
    let new = NewRecord { subject, category, record, body: body.to_vec() };
    store.insert_record(&app, &new).await.map_err(ErrorInternalServerError)?;
    Ok(HttpResponse::Created().json(json!({ "version": 1, "updated_at": TIME })))
}

#[derive(Deserialize)]
struct Item {
    subject: String,
    category: String,
    record: String,
    body: Value,
}

#[post("/v1/apps/{app}/records:batch")]
async fn put_batch(
    store: Store,
    app: web::Path<String>,
    batch: web::Json<Items<Item>>,
) -> Result<HttpResponse> {
    let all = batch.into_inner().items.into_iter().map(|item| {
        let Item { subject, category, record, body } = item;
        let body = body.to_string().into_bytes();
        Ok(NewRecord { subject: id_of(&subject)?, category, record, body })
    });
    let all: Vec<NewRecord> = all.collect::<Result<_>>()?;
    store.insert_records(&app, &all).await.map_err(ErrorInternalServerError)?;
    let written = json!({ "status": 201, "version": 1, "updated_at": TIME });
    Ok(HttpResponse::Ok().json(json!({ "items": vec![written; all.len()] })))
}

fn not_found() -> actix_web::Error {
    ErrorNotFound("not found")
}

fn id_of(text: &str) -> Result<Uuid> {
    let digits = text.strip_prefix("sub_").ok_or_else(|| ErrorBadRequest("no subject's id"))?;
    Uuid::parse_str(digits).map_err(ErrorBadRequest)
}

#[expect(clippy::disallowed_methods, reason = "the rule is the service's: no clock is here")]
fn new_id() -> Uuid {
    Uuid::now_v7()
}

fn bytes_of(hex: &str) -> Option<Vec<u8>> {
    let pairs = hex.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).ok());
    pairs.map(|pair| u8::from_str_radix(pair?, 16).ok()).collect()
}
