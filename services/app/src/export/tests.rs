#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::io::{Cursor, Read as _};

use futures_util::TryStreamExt as _;
use oubli_domain::request::{RequestScope, RequestState};
use oubli_domain::{Code, ExportId, RequestId, Right, SubjectId};
use oubli_store::exports;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{IssuedDownload, issue_download, open_download};
use crate::Result;
use crate::log::hex;
use crate::requests::world::{World, email, name, new_request};
use crate::requests::{create, get};
use crate::testing::refused;
use crate::worker::{Next, lease, step};

async fn issue(world: &World, request: RequestId) -> IssuedDownload {
    issue_download(&world.oubli, &world.call(), request).await.unwrap()
}

async fn download(world: &World, export: ExportId, token: &str) -> Result<Vec<u8>> {
    let download = open_download(&world.oubli, &world.app, export, token).await?;
    let bytes = download.bytes;
    let chunks: Vec<_> = download.into_stream().try_collect().await?;
    let zip = chunks.iter().flat_map(|chunk| chunk.iter().copied()).collect::<Vec<u8>>();
    assert_eq!(zip.len() as u64, bytes);
    Ok(zip)
}

/// The parts of a bundle by name.
fn unzip(zip: Vec<u8>) -> BTreeMap<String, Vec<u8>> {
    let mut archive = zip::ZipArchive::new(Cursor::new(zip)).unwrap();
    let mut parts = BTreeMap::new();
    for n in 0..archive.len() {
        let mut part = archive.by_index(n).unwrap();
        let name = part.name().unwrap().into_owned();
        let mut text = Vec::new();
        part.read_to_end(&mut text).unwrap();
        parts.insert(name, text);
    }
    parts
}

async fn bundle(world: &World, request: RequestId) -> BTreeMap<String, Vec<u8>> {
    let issued = issue(world, request).await;
    unzip(download(world, issued.export, issued.token.expose()).await.unwrap())
}

fn rows(part: &[u8]) -> Vec<Value> {
    part.split(|b| *b == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect()
}

#[tokio::test]
async fn an_access_bundle_holds_everything_and_its_manifest_adds_up() {
    let world = World::new().await;
    let subject = world.customer("ada").await;
    let request = world.request(Right::Access, subject).await;
    world.work().await;
    assert_eq!(world.details(request).await.request.state, RequestState::Completed);
    let parts = bundle(&world, request).await;

    let manifest: Value = serde_json::from_slice(&parts["manifest.json"]).unwrap();
    let listed = manifest["parts"].as_array().unwrap();
    assert_eq!(listed.len() + 1, parts.len());
    for part in listed {
        let text = &parts[part["name"].as_str().unwrap()];
        assert_eq!(part["sha256"], hex(&Sha256::digest(text)));
        assert_eq!(part["bytes"], text.len());
        if part["name"].as_str().unwrap().ends_with(".ndjson") {
            assert_eq!(part["rows"], rows(text).len());
        }
    }
    let profile = rows(&parts["records/profile.ndjson"]);
    let fields = json!({ "name": "ada", "email": email("ada"), "tags": "vip" });
    assert_eq!(profile[0]["fields"], fields);
    assert_eq!(rows(&parts["records/invoice.ndjson"])[0]["fields"]["total"], 12.5);
    let consent = &rows(&parts["consents.ndjson"])[0];
    assert_eq!(consent["action"], "refused");
    assert_eq!(consent["signals"], json!({ "gpc": true, "gpp": "DBABMA~CHOICE" }));
    let reads = rows(&parts["reads.ndjson"]);
    assert_eq!((reads.len(), &reads[0]["purpose"]), (1, &json!("fulfil")));
    let person: Value = serde_json::from_slice(&parts["subject.json"]).unwrap();
    assert_eq!(person["identifiers"][0]["value"], email("ada"));
    let information: Value = serde_json::from_slice(&parts["information.json"]).unwrap();
    assert_eq!(information["recipients"][0]["title"], "Mail Inc");
    assert_eq!(information["categories"][0]["kept_for"], "P10Y");
    let requests: Value = serde_json::from_slice(&parts["requests.json"]).unwrap();
    assert_eq!(requests[0]["right"], "access");
}

#[tokio::test]
async fn a_portability_bundle_holds_what_the_person_gave_under_consent_or_contract() {
    let world = World::new().await;
    let subject = world.customer("ada").await;
    let request = world.request(Right::Portability, subject).await;
    world.work().await;
    let parts = bundle(&world, request).await;
    let names: Vec<_> = parts.keys().map(String::as_str).collect();
    assert_eq!(names, ["manifest.json", "records/invoice.ndjson", "records/profile.ndjson"]);
    // `tags` is derived; only a legal duty reads `note`.
    let profile = json!({ "name": "ada", "email": email("ada") });
    assert_eq!(rows(&parts["records/profile.ndjson"])[0]["fields"], profile);
    let invoice = json!({ "total": 12.5 });
    assert_eq!(rows(&parts["records/invoice.ndjson"])[0]["fields"], invoice);
}

#[tokio::test]
async fn a_scope_picks_fields_consents_and_reads() {
    let world = World::new().await;
    let subject = world.customer("ada").await;
    let mut new = new_request(Right::Access, subject);
    new.scope = RequestScope {
        categories: [name("invoice")].into(),
        fields: [(name("profile"), [name("email")].into())].into(),
        ..RequestScope::default()
    };
    let request = create(&world.oubli, &world.call(), new).await.unwrap().request;
    world.work().await;
    let parts = bundle(&world, request).await;
    let profile = &rows(&parts["records/profile.ndjson"])[0]["fields"];
    assert_eq!(*profile, json!({ "email": email("ada") }));
    assert_eq!(rows(&parts["records/invoice.ndjson"]).len(), 1);
    assert_eq!(rows(&parts["consents.ndjson"]).len(), 0);
    assert_eq!(rows(&parts["reads.ndjson"]).len(), 0, "name and tags were read");
}

#[tokio::test]
async fn a_download_is_complete_once() {
    let world = World::new().await;
    let subject = world.customer("ada").await;
    let request = world.request(Right::Access, subject).await;
    let early = issue_download(&world.oubli, &world.call(), request).await;
    assert_eq!(refused(early), Code::ExportNotReady);
    world.work().await;
    let void = issue(&world, request).await;
    let issued = issue(&world, request).await;
    for wrong in [void.token.expose(), "guess", ""] {
        let refusal = refused(download(&world, issued.export, wrong).await);
        assert_eq!(refusal, Code::DownloadNotFound);
    }
    let token = issued.token.expose();
    assert!(download(&world, issued.export, token).await.is_ok());
    assert_eq!(refused(download(&world, issued.export, token).await), Code::DownloadNotFound);
    let again = issue_download(&world.oubli, &world.call(), request).await;
    assert_eq!(refused(again), Code::DownloadNotFound);
    assert!(!format!("{issued:?}").contains(issued.token.expose()));
    // The bundle itself goes at the next housekeeping.
    world.work().await;
    assert_eq!(world.details(request).await.export, None);
}

#[tokio::test]
async fn of_downloads_at_once_exactly_one_is_complete() {
    let world = World::new().await;
    let request = large(&world).await;
    let issued = issue(&world, request).await;
    let whole = download(&world, issued.export, issued.token.expose());
    let other = download(&world, issued.export, issued.token.expose());
    let (one, two) = tokio::join!(whole, other);
    assert_ne!(one.is_ok(), two.is_ok());
    let second = if one.is_ok() { two } else { one };
    assert_eq!(refused(second), Code::DownloadNotFound);
}

#[tokio::test]
async fn whoever_has_every_byte_has_used_the_token_up() {
    let world = World::new().await;
    let request = large(&world).await;
    let issued = issue(&world, request).await;
    let token = issued.token.expose();
    let begun = open_download(&world.oubli, &world.app, issued.export, token).await.unwrap();
    let (mut left, stream) = (begun.bytes, begun.into_stream());
    tokio::pin!(stream);
    while left > 0 {
        left -= stream.try_next().await.unwrap().unwrap().len() as u64;
    }
    // The client goes away here, before it is told that this was all.
    assert_eq!(refused(download(&world, issued.export, token).await), Code::DownloadNotFound);
}

#[tokio::test]
async fn a_token_has_five_tries_and_ends_with_the_bundle() {
    let world = World::new().await;
    let subject = world.customer("ada").await;
    let request = world.request(Right::Access, subject).await;
    world.work().await;
    let issued = issue(&world, request).await;
    let open = || open_download(&world.oubli, &world.app, issued.export, issued.token.expose());
    for _ in 0..5 {
        // Begun and dropped before its end: the token is not used up.
        drop(open().await.unwrap());
    }
    assert_eq!(refused(open().await), Code::DownloadNotFound);

    let issued = issue(&world, request).await;
    let open = || open_download(&world.oubli, &world.app, issued.export, issued.token.expose());
    world.clock.advance(72 * 3_600 - 1);
    assert!(open().await.is_ok());
    world.clock.advance(1);
    assert_eq!(refused(open().await), Code::DownloadNotFound);
    world.work().await;
    let late = issue_download(&world.oubli, &world.call(), request).await;
    assert_eq!(refused(late), Code::DownloadNotFound);
    assert_eq!(chunks(&world, subject).await, 0);
}

#[tokio::test]
async fn a_remembered_issue_goes_with_the_person() {
    let world = World::new().await;
    let subject = world.customer("ada").await;
    let request = world.request(Right::Access, subject).await;
    world.work().await;
    let once = world.oubli.once("client", "key-1", "POST", "/download", b"").unwrap();
    let call = crate::Call { caller: world.caller(), once: Some(once) };
    issue_download(&world.oubli, &call, request).await.unwrap();
    let again = issue_download(&world.oubli, &call, request).await;
    assert_eq!(refused(again), Code::SecretAlreadyShown);
    assert_eq!(rows_of(&world, subject, "idempotency").await, 1);
    world.request(Right::Erasure, subject).await;
    world.work().await;
    let now = world.oubli.now();
    assert_eq!(world.oubli.earlier_answer::<()>(&call, now).await.unwrap(), None);
}

#[tokio::test]
async fn the_time_to_download_counts_from_when_the_bundle_is_ready() {
    let world = World::new().await;
    let subject = world.customer("ada").await;
    let request = world.request(Right::Access, subject).await;
    let leased = lease(&world.oubli, 1).await.unwrap().remove(0);
    assert_eq!(step(&world.oubli, &leased).await.unwrap(), Next::Again);
    world.clock.advance(3_600);
    assert_eq!(step(&world.oubli, &leased).await.unwrap(), Next::Done);
    let issued = issue(&world, request).await;
    assert_eq!(issued.expires_at, world.oubli.now().plus_seconds(72 * 3_600));
}

/// The sealed chunks that are stored for a person.
async fn chunks(world: &World, subject: SubjectId) -> u64 {
    rows_of(world, subject, "export_chunks").await
}

async fn rows_of(world: &World, subject: SubjectId, table: &str) -> u64 {
    let mut conn = world.oubli.data().conn().await.unwrap();
    let tables = oubli_store::erasure::DATA_TABLES;
    let table = tables.iter().find(|t| t.name == table).unwrap();
    oubli_store::erasure::count(&mut conn, table, &world.app, subject).await.unwrap()
}

/// A request whose bundle spans chunks: random text does not shrink much, and 120 records of 16 KiB
/// are more than one.
async fn large(world: &World) -> RequestId {
    let subject = world.person("ada").await;
    for n in 0..120 {
        let text = hex(&oubli_vault::random_bytes::<8192>());
        world.put(subject, "profile", &format!("r{n}"), json!({ "name": text })).await;
    }
    let request = world.request(Right::Access, subject).await;
    world.work().await;
    assert!(chunks(world, subject).await > 1);
    request
}

#[tokio::test]
async fn a_large_bundle_spans_chunks_and_reads_back() {
    let world = World::new().await;
    let request = large(&world).await;
    let parts = bundle(&world, request).await;
    assert_eq!(rows(&parts["records/profile.ndjson"]).len(), 120);
}

#[tokio::test]
async fn a_build_that_died_begins_anew_and_leaves_one_bundle() {
    let mut world = World::new().await;
    let subject = world.customer("ada").await;
    let request = world.request(Right::Access, subject).await;
    let leased = lease(&world.oubli, 1).await.unwrap().remove(0);
    assert_eq!(step(&world.oubli, &leased).await.unwrap(), Next::Again);
    let first = world.details(request).await.export.unwrap();
    // What a worker that died before its marker leaves: the step as it was, the bundle half there.
    let (app, half) = (world.app.clone(), ExportId::fresh(world.oubli.now()));
    let row = exports::Export { export: half, ready: false, ..first.clone() };
    let back = world.oubli.data().write("test.back", move |tx| {
        let (app, row) = (app.clone(), row.clone());
        Box::pin(async move {
            let now = oubli_domain::Time(0);
            exports::insert(tx, &app, &row, now).await?;
            exports::insert_chunk(tx, &app, row.export, 0, row.subject, b"half").await?;
            let (from, to) = (super::ExportStep::Built, super::ExportStep::Started);
            let step = super::advance(from, to, RequestState::Running, None);
            oubli_store::requests::advance(tx, &app, request, &step, now).await
        })
    });
    back.await.unwrap();
    world.reopen().await;
    world.clock.advance(61);
    world.work().await;
    let details = get(&world.oubli, &world.caller(), request).await.unwrap();
    assert_eq!(details.request.state, RequestState::Completed);
    let export = details.export.unwrap().export;
    assert!(export != half && export != first.export);
    assert_eq!(chunks(&world, subject).await, 1);
    assert!(bundle(&world, request).await.contains_key("manifest.json"));
}

#[tokio::test]
async fn an_erasure_ends_an_export_that_waits_and_one_that_is_built() {
    let world = World::new().await;
    let subject = world.customer("ada").await;
    let ready = world.request(Right::Access, subject).await;
    world.work().await;
    let issued = issue(&world, ready).await;
    let building = world.request(Right::Portability, subject).await;
    let leased = lease(&world.oubli, 1).await.unwrap().remove(0);
    world.request(Right::Erasure, subject).await;
    // The export's worker goes on after the acknowledgement, and finds nobody.
    assert_eq!(step(&world.oubli, &leased).await.unwrap(), Next::Done);
    let request = world.details(building).await.request;
    assert_eq!(request.state, RequestState::Cancelled);
    let open = open_download(&world.oubli, &world.app, issued.export, issued.token.expose()).await;
    assert_eq!(refused(open), Code::DownloadNotFound);
    world.work().await;
    assert_eq!(chunks(&world, subject).await, 0);
}
