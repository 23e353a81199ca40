#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use futures_util::future::join_all;
use oubli_domain::scope::{Role, Scope};
use oubli_domain::{AppId, Code, Pii};
use oubli_store::staff::users;

use super::{
    NewStaff, SignedIn, create_user, disable_user, list_users, login, logout, set_password,
};
use crate::auth::{Principal, Staff, VisibleApps, verify};
use crate::testing::{self, refused};
use crate::{Actor, Error, Oubli};

const PASSWORD: &str = "Tr\u{e8}s long, et à moi";

fn pii(text: &str) -> Pii<String> {
    Pii::new(text.to_owned())
}

fn new(name: &str, role: Role) -> NewStaff {
    NewStaff {
        name: name.to_owned(),
        role,
        apps: VisibleApps::All,
        password: pii(PASSWORD),
        must_change: false,
    }
}

async fn user(oubli: &Oubli, name: &str, role: Role) {
    create_user(oubli, &Actor::System, new(name, role)).await.unwrap();
}

/// Signs in, and waits until a failure is counted.
async fn try_login(oubli: &Oubli, name: &str, password: &str) -> Result<SignedIn, Error> {
    let result = login(oubli, name, &pii(password)).await;
    oubli.password_gate().idle().await;
    result
}

async fn staff(oubli: &Oubli, token: &str) -> Result<Staff, Error> {
    match verify(oubli, token).await? {
        Principal::Staff(staff) => Ok(staff),
        Principal::Client { .. } => Err(Error::Damaged("a client")),
    }
}

async fn failures(oubli: &Oubli, name: &str) -> i64 {
    let mut conn = oubli.data().conn().await.unwrap();
    users::by_name(&mut conn, name).await.unwrap().unwrap().failed_logins
}

#[tokio::test]
async fn a_session_lasts_an_hour_or_until_it_is_ended() {
    let (_dir, oubli, clock) = testing::oubli().await;
    user(&oubli, "ada", Role::Dpo).await;
    let first = try_login(&oubli, "ada", PASSWORD).await.unwrap();
    let second = try_login(&oubli, "ada", PASSWORD).await.unwrap();
    assert_eq!((first.expires_in, first.role), (3_600, Role::Dpo));
    let who = staff(&oubli, &first.access_token).await.unwrap();
    assert_eq!((who.user, who.role, &who.apps), (first.user, Role::Dpo, &VisibleApps::All));
    logout(&oubli, &who).await.unwrap();
    assert_eq!(refused(staff(&oubli, &first.access_token).await), Code::Unauthenticated);
    clock.advance(3_599);
    staff(&oubli, &second.access_token).await.unwrap();
    clock.advance(1);
    assert_eq!(refused(staff(&oubli, &second.access_token).await), Code::Unauthenticated);
}

#[tokio::test]
async fn nobody_learns_which_names_exist() {
    let (_dir, oubli, _) = testing::oubli().await;
    user(&oubli, "ada", Role::Dpo).await;
    user(&oubli, "gone", Role::Dpo).await;
    disable_user(&oubli, &Actor::System, "gone").await.unwrap();
    let long = "x".repeat(129);
    for (name, password) in
        [("ada", "wrong password"), ("bob", PASSWORD), ("", ""), ("gone", PASSWORD), ("ada", &long)]
    {
        let refusal = try_login(&oubli, name, password).await.unwrap_err().refusal();
        assert_eq!(refusal, Code::LoginFailed.into(), "{name}");
    }
}

#[tokio::test]
async fn ten_failures_lock_an_account_for_a_quarter_of_an_hour() {
    let (_dir, oubli, clock) = testing::oubli().await;
    user(&oubli, "ada", Role::Admin).await;
    user(&oubli, "bob", Role::Admin).await;
    for _ in 0..10 {
        assert_eq!(refused(try_login(&oubli, "ada", "wrong password").await), Code::LoginFailed);
    }
    assert_eq!(refused(try_login(&oubli, "ada", PASSWORD).await), Code::LoginFailed);
    try_login(&oubli, "bob", PASSWORD).await.unwrap();
    clock.advance(15 * 60 - 1);
    assert_eq!(refused(try_login(&oubli, "ada", PASSWORD).await), Code::LoginFailed);
    assert_eq!(failures(&oubli, "ada").await, 10, "tries at a locked account do not count");
    clock.advance(1);
    try_login(&oubli, "ada", PASSWORD).await.unwrap();
    assert_eq!(failures(&oubli, "ada").await, 0);
}

#[tokio::test]
async fn a_lock_from_before_the_clock_stepped_back_shuts_nobody_out() {
    let (_dir, oubli, clock) = testing::oubli().await;
    user(&oubli, "ada", Role::Admin).await;
    for _ in 0..10 {
        assert_eq!(refused(try_login(&oubli, "ada", "wrong").await), Code::LoginFailed);
    }
    assert_eq!(refused(try_login(&oubli, "ada", PASSWORD).await), Code::LoginFailed);
    // A node whose clock is as far behind as clocks may be keeps the lock.
    clock.advance(-30);
    assert_eq!(refused(try_login(&oubli, "ada", PASSWORD).await), Code::LoginFailed);
    clock.advance(-1);
    assert!(try_login(&oubli, "ada", PASSWORD).await.is_ok());
}

#[tokio::test]
async fn failures_at_the_same_time_are_all_counted_until_the_lock() {
    let (_dir, oubli, _) = testing::oubli().await;
    user(&oubli, "ada", Role::Admin).await;
    let wrong = pii("wrong password");
    let tries = join_all((0..16).map(|_| login(&oubli, "ada", &wrong))).await;
    oubli.password_gate().idle().await;
    assert!(tries.into_iter().all(|result| refused(result) == Code::LoginFailed));
    // Those that were being checked when the tenth was counted may add to it: at most 3.
    assert!((10..=13).contains(&failures(&oubli, "ada").await));
    assert_eq!(refused(try_login(&oubli, "ada", PASSWORD).await), Code::LoginFailed);
}

#[tokio::test]
async fn a_new_password_ends_sessions_and_locks() {
    let (_dir, oubli, _) = testing::oubli().await;
    user(&oubli, "ada", Role::Admin).await;
    let before = try_login(&oubli, "ada", PASSWORD).await.unwrap().access_token;
    staff(&oubli, &before).await.unwrap();
    let password = "another good password";
    set_password(&oubli, &Actor::System, "ada", &pii(password), false).await.unwrap();
    assert_eq!(refused(staff(&oubli, &before).await), Code::Unauthenticated);
    assert_eq!(refused(try_login(&oubli, "ada", PASSWORD).await), Code::LoginFailed);
    try_login(&oubli, "ada", password).await.unwrap();
    let unknown = set_password(&oubli, &Actor::System, "bob", &pii(password), false).await;
    assert_eq!(refused(unknown), Code::UserNotFound);
}

#[tokio::test]
async fn a_disabled_user_is_out_at_once() {
    let (_dir, oubli, _) = testing::oubli().await;
    user(&oubli, "ada", Role::Admin).await;
    let token = try_login(&oubli, "ada", PASSWORD).await.unwrap().access_token;
    staff(&oubli, &token).await.unwrap();
    disable_user(&oubli, &Actor::System, "ada").await.unwrap();
    assert_eq!(refused(staff(&oubli, &token).await), Code::Unauthenticated);
    disable_user(&oubli, &Actor::System, "ada").await.unwrap();
    let listed = list_users(&oubli, None, 10).await.unwrap();
    assert_eq!(listed[0].disabled_at, Some(oubli.now()));
}

#[tokio::test]
async fn a_password_is_the_same_from_every_keyboard() {
    let (_dir, oubli, _) = testing::oubli().await;
    user(&oubli, "ada", Role::Admin).await;
    let decomposed = "Tre\u{300}s long, et a\u{300} moi";
    assert_ne!(decomposed, PASSWORD);
    try_login(&oubli, "ada", decomposed).await.unwrap();
}

#[tokio::test]
async fn names_apps_and_passwords_are_bounded() {
    let (_dir, oubli, _) = testing::oubli().await;
    let named = |name: &str| new(name, Role::Admin);
    let with = |password: &str| NewStaff { password: pii(password), ..named("lovelace") };
    let cases = [
        (named(""), "/name"),
        (named("Ada"), "/name"),
        (named("ada@example.org"), "/name"),
        (named(&"a".repeat(65)), "/name"),
        (NewStaff { apps: VisibleApps::Only(vec![]), ..named("ada") }, "/apps"),
        (with("elevenchars"), "/password"),
        (with(&"x1".repeat(65)), "/password"),
        (with("aaaaaaaaaaaaaaaa"), "/password"),
        (with("PasswordPassword"), "/password"),
        (with("Lovelace-oubli1"), "/password"),
    ];
    for (bad, pointer) in cases {
        let refusal = create_user(&oubli, &Actor::System, bad).await.unwrap_err().refusal();
        assert_eq!(refusal.code, Code::InvalidBody);
        assert_eq!(refusal.errors[0].pointer, pointer);
    }
    user(&oubli, "ada", Role::Admin).await;
    let again = create_user(&oubli, &Actor::System, named("ada")).await;
    assert_eq!(refused(again), Code::UserExists);
}

#[tokio::test]
async fn a_role_counts_within_the_apps_that_the_user_may_see() {
    let (_dir, oubli, _) = testing::oubli().await;
    let (shop, other) = (AppId::new("shop").unwrap(), AppId::new("other").unwrap());
    let apps = VisibleApps::Only(vec![shop.clone()]);
    let restricted = NewStaff { apps, ..new("ada", Role::Admin) };
    create_user(&oubli, &Actor::System, restricted).await.unwrap();
    let token = try_login(&oubli, "ada", PASSWORD).await.unwrap().access_token;
    let principal = verify(&oubli, &token).await.unwrap();
    assert!(principal.caller_for(&shop, Scope::ClientsWrite).is_ok());
    assert_eq!(refused(principal.caller_for(&shop, Scope::RecordsRead)), Code::InsufficientScope);
    assert_eq!(refused(principal.caller_for(&other, Scope::ClientsWrite)), Code::AppNotFound);
    let staff = principal.staff_scope(Scope::AppsManage).unwrap();
    assert!(staff.caller_to_create(&shop).is_ok());
    assert_eq!(refused(staff.caller_to_create(&other)), Code::InsufficientScope);
}
