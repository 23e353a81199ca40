//! Who may call what: every operation of the served document with every kind of caller. The
//! document is what is promised, so what is enforced must equal it.

use std::collections::{BTreeMap, HashMap};

use oubli_domain::scope::{Role, Scope, Scopes};
use oubli_tests::{Caller, Document, Operation, Reply, TestServer, both_engines};

/// The operations without a token, each with its reason.
const PUBLIC: [(&str, &str); 12] = [
    ("GET /.well-known/jwks.json", "others verify tokens with it"),
    ("GET /.well-known/oauth-authorization-server", "clients find the token endpoint by it"),
    ("GET /.well-known/oubli-keys", "anyone may check a certificate"),
    ("GET /health/live", "asked by what restarts the process"),
    ("GET /health/ready", "asked by what sends traffic"),
    ("GET /openapi.json", "says how to call, and nothing of anyone"),
    ("GET /problems", "says what errors mean, and nothing of anyone"),
    ("GET /problems/{slug}", "says what an error means"),
    ("GET /v1/schemas/data-map", "the same for all"),
    ("GET /v1/schemas/import-line", "the same for all"),
    ("POST /oauth2/token", "gives tokens, for the client's secret"),
    ("POST /v1/staff/login", "gives tokens, for a password"),
];

/// The one that takes a secret of its own: its holder has no account here.
const BY_DOWNLOAD_TOKEN: &str = "GET /v1/apps/{app}/exports/{export}";

/// The operations that need a token.
async fn secured(server: &TestServer) -> Vec<Operation> {
    let mut all = Document::of(&server.url).await.operations();
    all.retain(Operation::is_secured);
    assert!(all.len() > 30, "the document lost its operations");
    all
}

async fn call(operation: &Operation, caller: &Caller) -> Reply {
    let reply = Reply::of(operation.request(caller, &BTreeMap::new())).await;
    operation.expect_documented(&reply);
    reply
}

/// Fails unless the caller was let in: whatever else is said, it is not about who calls.
#[track_caller]
fn expect_let_in(reply: &Reply, operation: &Operation, who: &str) {
    let kind = reply.body["type"].as_str().unwrap_or_default();
    let refused = ["unauthenticated", "insufficient-scope", "app-not-found"]
        .iter()
        .any(|slug| kind == format!("/problems/{slug}"));
    assert!(!refused && reply.status < 500, "{who} at {}: {}", operation.name(), reply.body);
}

#[track_caller]
fn expect_refused(reply: &Reply, operation: &Operation, who: &str) {
    let kind = &reply.body["type"];
    let name = operation.name();
    assert_eq!(
        (reply.status, kind.as_str()),
        (403, Some("/problems/insufficient-scope")),
        "{who} at {name}"
    );
}

/// An app `shop` and another, `market`.
async fn two_apps(server: &TestServer) -> Caller {
    server.app("shop").await;
    server.app("market").await;
    server.staff(Role::Admin, "*").await
}

both_engines! {
    async fn what_needs_no_token_is_listed_with_a_reason(engine: Engine) {
        let server = TestServer::start(engine).await;
        let all = Document::of(&server.url).await.operations();
        let mut open: Vec<String> =
            all.iter().filter(|o| !o.is_secured()).map(Operation::name).collect();
        open.sort();
        let mut listed: Vec<&str> = PUBLIC.iter().map(|(name, _)| *name).collect();
        listed.push(BY_DOWNLOAD_TOKEN);
        listed.sort_unstable();
        assert_eq!(open, listed);
        let download = all.iter().find(|o| o.name() == BY_DOWNLOAD_TOKEN).unwrap();
        let reply = call(download, &server.anonymous()).await;
        reply.expect_problem(404, "download-not-found");
    }

    async fn without_a_valid_token_nothing_is_done(engine: Engine) {
        let server = TestServer::start(engine).await;
        let shop = server.app("shop").await;
        let (signed, _) = shop.token().rsplit_once('.').unwrap();
        let forged = server.anonymous().with_token(format!("{signed}.{}", "A".repeat(86)));
        for operation in secured(&server).await {
            for caller in [&server.anonymous(), &forged] {
                let reply = call(&operation, caller).await;
                reply.expect_problem(401, "unauthenticated");
                assert_eq!(reply.header("www-authenticate"), Some(r#"Bearer realm="oubli""#));
            }
        }
    }

    async fn staff_may_do_what_their_role_gives_and_the_document_says(engine: Engine) {
        let server = TestServer::start(engine).await;
        two_apps(&server).await;
        let operations = secured(&server).await;
        for role in Role::ALL {
            let (everywhere, elsewhere) =
                (server.staff(*role, "*").await, server.staff(*role, "market").await);
            for operation in &operations {
                let who = role.as_str();
                let reply = call(operation, &everywhere).await;
                if operation.allows(*role) {
                    expect_let_in(&reply, operation, who);
                } else {
                    expect_refused(&reply, operation, who);
                }
                if operation.path.contains("{app}") {
                    call(operation, &elsewhere).await.expect_problem(404, "app-not-found");
                }
            }
        }
    }

    async fn a_client_needs_the_scope_that_the_document_names(engine: Engine) {
        let server = TestServer::start(engine).await;
        let admin = two_apps(&server).await;
        let mut clients: HashMap<Scope, (Caller, Caller)> = HashMap::new();
        for scope in Scopes::of_clients().iter() {
            let others: Vec<&str> =
                Scopes::of_clients().iter().filter(|s| *s != scope).map(Scope::as_str).collect();
            let only = server.client(&admin, "shop", Some(&[scope.as_str()])).await;
            let without = server.client(&admin, "shop", Some(&others)).await;
            clients.insert(scope, (only, without));
        }
        let all = server.client(&admin, "shop", None).await;
        for operation in secured(&server).await {
            let Some(scope) = operation.client_scope() else {
                expect_refused(&call(&operation, &all).await, &operation, "a client");
                continue;
            };
            let (only, without) = &clients[&scope];
            expect_let_in(&call(&operation, only).await, &operation, scope.as_str());
            expect_refused(&call(&operation, without).await, &operation, "all but the scope");
        }
    }

    async fn another_app_is_as_if_it_never_was(engine: Engine) {
        let server = TestServer::start(engine).await;
        let admin = two_apps(&server).await;
        let market = server.client(&admin, "market", None).await;
        for operation in secured(&server).await {
            if !operation.path.contains("{app}") {
                continue;
            }
            let foreign = call(&operation, &market).await;
            foreign.expect_problem(404, "app-not-found");
            let never = BTreeMap::from([("app", "nowhere".to_owned())]);
            let never = Reply::of(operation.request(&market, &never)).await;
            assert_eq!((foreign.status, foreign.bytes), (never.status, never.bytes));
            let told = |reply: Vec<(String, String)>| -> Vec<(String, String)> {
                let differs = |name: &str| ["date", "x-request-id", "ratelimit"].contains(&name);
                let mut told: Vec<_> = reply.into_iter().filter(|(n, _)| !differs(n)).collect();
                told.sort();
                told
            };
            assert_eq!(told(foreign.headers), told(never.headers), "{}", operation.name());
        }
    }

    async fn the_document_names_staff_where_a_role_has_the_scope(engine: Engine) {
        let server = TestServer::start(engine).await;
        for operation in secured(&server).await {
            let Some(scope) = operation.client_scope() else {
                assert!(operation.is_for_staff(), "{} is for nobody", operation.name());
                continue;
            };
            let a_role_has = Role::ALL.iter().any(|role| role.scopes().has(scope));
            assert_eq!(operation.is_for_staff(), a_role_has, "{}", operation.name());
        }
    }
}
