//! What the log tells: no value is in any of its answers, and none comes back that was sent astray.

use oubli_tests::{Caller, Reply};
use reqwest::Method;

use super::{ASTRAY_PLAIN, Told};

/// Asks for everything that the log tells, and for what it cannot tell.
pub(super) async fn ask(told: &mut Told, shop: &Caller, subject: &str) {
    for path in [
        "/events?include=payload&limit=1000".to_owned(),
        format!("/events?subject={subject}&include=payload"),
        "/events?type=record.read&from=2026-01-01T00:00:00Z".to_owned(),
        "/events/export".to_owned(),
        "/events/export?include=payload".to_owned(),
        "/audit/exposure?limit=1000".to_owned(),
    ] {
        told.by(&path, shop.request(Method::GET, &path)).await.expect_status(200);
    }
    let csv = shop.request(Method::GET, "/events/export?include=payload");
    told.by("the log as CSV", csv.header("accept", "text/csv")).await.expect_status(200);
    let encoded = "zabloudil%C3%BD.kan%C3%A1rek%4077007.example";
    for list in ["/events", "/events/export", "/audit/exposure"] {
        for parameter in
            ["subject", "actor", "type", "from", "to", "include", "client", "staff", ASTRAY_PLAIN]
        {
            let path = format!("{list}?{parameter}={encoded}");
            let reply: Reply = told.by(&path, shop.request(Method::GET, &path)).await;
            assert!(matches!(reply.status, 400 | 422), "{path}: {}", reply.status);
        }
    }
}
