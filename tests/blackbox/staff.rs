//! Staff accounts as admins and their owners meet them.

use std::time::Duration;

use oubli_domain::scope::Role;
use oubli_tests::{Caller, PASSWORD, Reply, TestServer, both_engines};
use reqwest::Method;
use serde_json::{Value, json};

const NEW: &str = "nine herons wait beside the weir";

async fn post(caller: &Caller, path: &str) -> Reply {
    Reply::of(caller.request(Method::POST, path)).await
}

async fn login(server: &TestServer, name: &str, password: &str) -> Reply {
    let login = json!({ "name": name, "password": password });
    server.anonymous().post("/v1/staff/login", &login).await
}

async fn session(server: &TestServer, name: &str, password: &str) -> Caller {
    let reply = login(server, name, password).await.expect_status(200);
    server.anonymous().with_token(reply.text("/access_token"))
}

/// The sign-ins that were tried, once one of them ended so. A failure is written down after its answer,
/// which only this list tells of.
async fn remembered(admin: &Caller, outcome: &str) -> Vec<Value> {
    for _ in 0..400 {
        let tried = admin.all_pages("/v1/staff/sign-ins", 2).await;
        if tried.iter().any(|one| one["outcome"] == outcome) {
            return tried;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("no sign-in ended as {outcome}");
}

/// Changes a temporary password, before which nothing else is let through.
async fn forced_change(server: &TestServer, name: &str, temporary: &str) -> Caller {
    let grace = session(server, name, temporary).await;
    grace.get("/v1/apps").await.expect_problem(403, "password-change-required");
    let change = |current: &str, new: &str| json!({ "current": current, "new": new });
    let wrong = grace.post("/v1/staff/password", &change(PASSWORD, NEW)).await;
    wrong.expect_problem(403, "wrong-password");
    grace.post("/v1/staff/password", &change(temporary, NEW)).await.expect_status(204);
    login(server, name, temporary).await.expect_problem(401, "login-failed");
    let grace = session(server, name, NEW).await;
    grace.get("/v1/apps").await.expect_status(200);
    grace
}

both_engines! {
    async fn an_account_from_its_temporary_password_to_its_reset(engine: Engine) {
        let server = TestServer::start(engine).await;
        let admin = server.staff(Role::Admin, "*").await;
        let new = json!({ "name": "grace", "role": "dpo", "apps": ["*"] });
        let made = admin.post("/v1/staff/users", &new).await.expect_status(201);
        admin.post("/v1/staff/users", &new).await.expect_problem(409, "user-exists");
        let user = format!("/v1/staff/users/{}", made.text("/user"));
        let grace = forced_change(&server, "grace", &made.text("/temporary_password")).await;
        let second = session(&server, "grace", NEW).await;

        // A reset ends every session; what it gives must be changed again.
        let reset = post(&admin, &format!("{user}/reset-password")).await.expect_status(200);
        for ended in [&grace, &second] {
            ended.get("/v1/apps").await.expect_problem(401, "unauthenticated");
        }
        login(&server, "grace", NEW).await.expect_problem(401, "login-failed");
        let again = session(&server, "grace", &reset.text("/temporary_password")).await;
        again.get("/v1/apps").await.expect_problem(403, "password-change-required");
        post(&admin, &format!("{user}/disable")).await.expect_status(204);
        again.get("/v1/staff/me").await.expect_problem(401, "unauthenticated");

        login(&server, "nobody-has-this", PASSWORD).await.expect_problem(401, "login-failed");
        for outcome in ["ok", "wrong-password", "unknown-name"] {
            let tried = remembered(&admin, outcome).await;
            assert!(!serde_json::to_string(&tried).unwrap().contains("nobody-has-this"));
        }
        let told = admin.all_pages("/v1/staff/events", 2).await;
        let kinds: Vec<&str> = told.iter().map(|t| t["type"].as_str().unwrap()).collect();
        for kind in ["user.create", "user.reset_password", "user.disable"] {
            assert!(kinds.contains(&kind), "{kind} is not in {kinds:?}");
        }
    }

    async fn the_last_admin_stays(engine: Engine) {
        let server = TestServer::start(engine).await;
        let admin = server.staff(Role::Admin, "*").await;
        let me = admin.get("/v1/staff/me").await.expect_status(200).text("/user");
        let user = format!("/v1/staff/users/{me}");
        post(&admin, &format!("{user}/disable")).await.expect_problem(409, "last-admin");
        let dpo = json!({ "role": "dpo", "apps": ["*"] });
        admin.put(&user, &dpo).await.expect_problem(409, "last-admin");
        post(&admin, &format!("{user}/reset-password")).await.expect_problem(409, "own-password-reset");
        server.staff(Role::Admin, "*").await;
        admin.put(&user, &dpo).await.expect_status(200);
        admin.get("/v1/staff/users").await.expect_problem(403, "insufficient-scope");
    }
}
