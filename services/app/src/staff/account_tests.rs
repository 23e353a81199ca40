//! Passwords that are changed and reset, sessions, the log of sign-ins, and the last admin.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use oubli_domain::scope::Role;
use oubli_domain::{AppId, Code, Pii};
use oubli_store::staff::sign_ins::{UNKNOWN_NAMES_A_DAY, count_unknown};
use oubli_store::staff::users::NewPassword;

use super::*;
use crate::auth::{Principal, Staff, VisibleApps, verify};
use crate::testing::{self, refused};
use crate::{Actor, Oubli};

const PASSWORD: &str = "a quite long password";
const OTHER: &str = "and one more of these";

fn pii(text: &str) -> Pii<String> {
    Pii::new(text.to_owned())
}

async fn user_of(oubli: &Oubli, name: &str, role: Role, apps: VisibleApps) -> Staff {
    let password = pii(PASSWORD);
    let new = NewStaff { name: name.to_owned(), role, apps, password, must_change: false };
    create_user(oubli, &Actor::System, new).await.unwrap();
    signed_in(oubli, name, PASSWORD).await
}

async fn user(oubli: &Oubli, name: &str, role: Role) -> Staff {
    user_of(oubli, name, role, VisibleApps::All).await
}

async fn token(oubli: &Oubli, name: &str, password: &str) -> String {
    login(oubli, name, &pii(password)).await.unwrap().access_token
}

async fn staff_of(oubli: &Oubli, token: &str) -> crate::error::Result<Staff> {
    match verify(oubli, token).await? {
        Principal::Staff(staff) => Ok(staff),
        Principal::Client { .. } => Err(Code::Unauthenticated.into()),
    }
}

async fn signed_in(oubli: &Oubli, name: &str, password: &str) -> Staff {
    staff_of(oubli, &token(oubli, name, password).await).await.unwrap()
}

async fn outcomes(oubli: &Oubli, staff: &Staff, query: SignInsQuery) -> Vec<(String, i64)> {
    oubli.password_gate().idle().await;
    let found = sign_ins(oubli, staff, SignInsQuery { limit: 100, ..query }).await.unwrap();
    let mut found: Vec<_> =
        found.into_iter().map(|tried| (tried.outcome.as_str().to_owned(), tried.tries)).collect();
    // Ids that were made within one millisecond are in no order.
    found.sort();
    found
}

#[tokio::test]
async fn a_changed_password_ends_the_other_sessions() {
    let (_dir, oubli, _) = testing::oubli().await;
    let ada = user(&oubli, "ada", Role::Dpo).await;
    let other = token(&oubli, "ada", PASSWORD).await;
    for (new, current) in [("short", PASSWORD), (PASSWORD, PASSWORD)] {
        let result = change_password(&oubli, &ada, &pii(current), &pii(new)).await;
        assert_eq!(refused(result), Code::InvalidBody);
    }
    let wrong = change_password(&oubli, &ada, &pii("not the password"), &pii(OTHER)).await;
    assert_eq!(refused(wrong), Code::WrongPassword);
    change_password(&oubli, &ada, &pii(PASSWORD), &pii(OTHER)).await.unwrap();
    assert_eq!(refused(staff_of(&oubli, &other).await), Code::Unauthenticated);
    let open: Vec<_> = own_sessions(&oubli, &ada).await.unwrap();
    assert_eq!(open.iter().map(|s| s.session).collect::<Vec<_>>(), [ada.session]);
    assert_eq!(refused(login(&oubli, "ada", &pii(PASSWORD)).await), Code::LoginFailed);
    signed_in(&oubli, "ada", OTHER).await;
}

#[tokio::test]
async fn guessing_the_current_password_locks_the_account() {
    let (_dir, oubli, _) = testing::oubli().await;
    let ada = user(&oubli, "ada", Role::Dpo).await;
    for _ in 0..10 {
        let wrong = change_password(&oubli, &ada, &pii("not the password"), &pii(OTHER)).await;
        assert_eq!(refused(wrong), Code::WrongPassword);
        oubli.password_gate().idle().await;
    }
    let right = change_password(&oubli, &ada, &pii(PASSWORD), &pii(OTHER)).await;
    assert_eq!(refused(right), Code::WrongPassword);
    assert_eq!(refused(login(&oubli, "ada", &pii(PASSWORD)).await), Code::LoginFailed);
}

#[tokio::test]
async fn of_two_changes_at_once_one_wins() {
    let (_dir, oubli, _) = testing::oubli().await;
    let ada = user(&oubli, "ada", Role::Dpo).await;
    let (current, one, two) = (pii(PASSWORD), pii(OTHER), pii("yet another long one"));
    let (one, two) = tokio::join!(
        change_password(&oubli, &ada, &current, &one),
        change_password(&oubli, &ada, &current, &two),
    );
    assert!(one.is_ok() != two.is_ok());
    assert_eq!(refused(one.and(two)), Code::WrongPassword);
}

#[tokio::test]
async fn a_reset_password_is_good_for_a_day_and_for_one_thing() {
    let (_dir, oubli, clock) = testing::oubli().await;
    let admin = user(&oubli, "root", Role::Admin).await;
    let ada = user(&oubli, "ada", Role::Dpo).await;
    let own = reset_password(&oubli, &admin, admin.user).await;
    assert_eq!(refused(own), Code::OwnPasswordReset);
    let made = reset_password(&oubli, &admin, ada.user).await.unwrap();
    assert!(own_sessions(&oubli, &ada).await.unwrap().is_empty());
    assert_eq!(refused(login(&oubli, "ada", &pii(PASSWORD)).await), Code::LoginFailed);
    let token = token(&oubli, "ada", made.password.expose()).await;
    let principal = verify(&oubli, &token).await.unwrap();
    assert_eq!(refused(principal.may_call()), Code::PasswordChangeRequired);
    let ada = staff_of(&oubli, &token).await.unwrap();
    change_password(&oubli, &ada, &made.password, &pii(OTHER)).await.unwrap();
    verify(&oubli, &token).await.unwrap().may_call().unwrap();

    let made = reset_password(&oubli, &admin, ada.user).await.unwrap();
    clock.advance(24 * 3_600);
    assert_eq!(refused(login(&oubli, "ada", &made.password).await), Code::LoginFailed);
}

#[tokio::test]
async fn sessions_are_ended_by_their_owner_or_an_admin() {
    let (_dir, oubli, _) = testing::oubli().await;
    let admin = user(&oubli, "root", Role::Admin).await;
    let (ada, eve) =
        (user(&oubli, "ada", Role::Dpo).await, user(&oubli, "eve", Role::Auditor).await);
    let foreign = end_session(&oubli, &eve, ada.session).await;
    assert_eq!(refused(foreign), Code::SessionNotFound);
    assert_eq!(sessions_of(&oubli, &admin, ada.user).await.unwrap().len(), 1);
    end_session(&oubli, &admin, ada.session).await.unwrap();
    let again = end_session(&oubli, &admin, ada.session).await;
    assert_eq!(refused(again), Code::SessionNotFound);
    end_session(&oubli, &eve, eve.session).await.unwrap();
    assert!(own_sessions(&oubli, &eve).await.unwrap().is_empty());
}

#[tokio::test]
async fn every_sign_in_is_remembered_for_a_year() {
    let (_dir, oubli, clock) = testing::oubli().await;
    let admin = user(&oubli, "root", Role::Admin).await;
    let ada = user(&oubli, "ada", Role::Dpo).await;
    let eve = user(&oubli, "eve", Role::Dpo).await;
    for (name, password) in [("ada", OTHER), ("nobody", OTHER), ("nobody", PASSWORD)] {
        assert_eq!(refused(login(&oubli, name, &pii(password)).await), Code::LoginFailed);
        oubli.password_gate().idle().await;
    }
    disable(&oubli, &admin, eve.user).await.unwrap();
    assert_eq!(refused(login(&oubli, "eve", &pii(PASSWORD)).await), Code::LoginFailed);
    let all = outcomes(&oubli, &admin, SignInsQuery::default()).await;
    for expected in [("ok", 1), ("wrong-password", 1), ("unknown-name", 2), ("disabled", 1)] {
        assert!(all.contains(&(expected.0.to_owned(), expected.1)), "{expected:?} in {all:?}");
    }
    let own = outcomes(&oubli, &ada, SignInsQuery::default()).await;
    assert_eq!(own, [("ok".to_owned(), 1), ("wrong-password".to_owned(), 1)]);
    let foreign = SignInsQuery { user: Some(eve.user), limit: 1, ..SignInsQuery::default() };
    assert_eq!(refused(sign_ins(&oubli, &ada, foreign).await), Code::InsufficientScope);
    clock.advance(365 * 86_400 + 1);
    purge_sign_ins(&oubli, 100).await.unwrap();
    assert_eq!(outcomes(&oubli, &admin, SignInsQuery::default()).await, []);
}

fn shop_alone() -> VisibleApps {
    VisibleApps::Only(vec![AppId::new("shop").unwrap()])
}

#[tokio::test]
async fn a_password_is_reset_only_while_the_user_is_seen() {
    let (_dir, oubli, _) = testing::oubli().await;
    let root = user(&oubli, "root", Role::Admin).await;
    let admin = user_of(&oubli, "ada", Role::Admin, shop_alone()).await;
    // The user's sight grew after the admin was found to see it.
    let hash = "$argon2id$another".to_owned();
    let new = NewPassword { hash, must_change: true, expires_at: None };
    let (actor, by) = (Actor::Staff(admin.user), Some(&admin));
    let done =
        users::replace_password(&oubli, &actor, by, root.user, new, "user.reset_password").await;
    assert_eq!(refused(done), Code::UserNotFound);
    signed_in(&oubli, "root", PASSWORD).await;
}

#[tokio::test]
async fn who_does_not_see_every_app_sees_no_log_of_everybody() {
    let (_dir, oubli, _) = testing::oubli().await;
    let root = user(&oubli, "root", Role::Admin).await;
    for (name, role) in [("ada", Role::Admin), ("eve", Role::Auditor)] {
        let staff = user_of(&oubli, name, role, shop_alone()).await;
        let own = outcomes(&oubli, &staff, SignInsQuery::default()).await;
        assert_eq!(own, [("ok".to_owned(), 1)]);
        let foreign = SignInsQuery { user: Some(root.user), limit: 1, ..SignInsQuery::default() };
        assert_eq!(refused(sign_ins(&oubli, &staff, foreign).await), Code::InsufficientScope);
        let events = list_events(&oubli, &staff, None, 9).await;
        assert_eq!(refused(events), Code::InsufficientScope);
    }
}

#[tokio::test]
async fn many_unknown_names_are_counted_together() {
    let (_dir, oubli, clock) = testing::oubli().await;
    let root = user(&oubli, "root", Role::Admin).await;
    let now = oubli.now();
    let written = oubli.data().write("test.unknown", move |tx| {
        Box::pin(async move {
            for n in 1..=UNKNOWN_NAMES_A_DAY + 5 {
                let mut mac = [1; 32];
                mac[..8].copy_from_slice(&n.to_be_bytes());
                count_unknown(tx, &mac, now).await?;
            }
            Ok(())
        })
    });
    written.await.unwrap();
    let query = SignInsQuery { limit: 2_000, ..SignInsQuery::default() };
    let found = sign_ins(&oubli, &root, query).await.unwrap();
    let mut tries: Vec<_> =
        found.into_iter().filter(|f| f.user.is_none()).map(|f| f.tries).collect();
    tries.sort_unstable();
    assert_eq!((tries.len(), &tries[999..]), (1_001, &[1, 5][..]));
    clock.advance(365 * 86_400 + 1);
    purge_sign_ins(&oubli, 100).await.unwrap();
    assert!(sign_ins(&oubli, &root, query).await.unwrap().is_empty(), "in one turn");
}

#[tokio::test]
async fn the_last_admin_of_every_app_stays_though_others_are_admins_of_some() {
    let (_dir, oubli, _) = testing::oubli().await;
    let root = user(&oubli, "root", Role::Admin).await;
    let ada = user_of(&oubli, "ada", Role::Admin, shop_alone()).await;
    assert_eq!(refused(disable(&oubli, &root, root.user).await), Code::LastAdmin);
    for (role, apps) in [(Role::Dpo, VisibleApps::All), (Role::Admin, shop_alone())] {
        let changed = change_user(&oubli, &root, root.user, role, apps).await;
        assert_eq!(refused(changed), Code::LastAdmin);
    }
    disable(&oubli, &root, ada.user).await.unwrap();
}

#[tokio::test]
async fn the_last_admin_stays_whoever_comes_first() {
    let (_dir, oubli, _) = testing::oubli().await;
    let (ada, eve) =
        (user(&oubli, "ada", Role::Admin).await, user(&oubli, "eve", Role::Admin).await);
    let (one, two) = tokio::join!(disable(&oubli, &ada, eve.user), disable(&oubli, &eve, ada.user));
    assert!(one.is_ok() != two.is_ok());
    let last = if one.is_ok() { ada } else { eve };
    assert_eq!(refused(one.and(two)), Code::LastAdmin);
    let demoted = change_user(&oubli, &last, last.user, Role::Dpo, VisibleApps::All).await;
    assert_eq!(refused(demoted), Code::LastAdmin);
}

#[tokio::test]
async fn an_admin_gives_no_more_sight_than_they_have() {
    let (_dir, oubli, _) = testing::oubli().await;
    let root = user(&oubli, "root", Role::Admin).await;
    let shop = shop_alone();
    let admin = user_of(&oubli, "ada", Role::Admin, shop.clone()).await;
    let named = |name: &str, apps: &VisibleApps| NewAccount {
        name: name.to_owned(),
        role: Role::Auditor,
        apps: apps.clone(),
    };
    let wider = add_user(&oubli, &admin, named("eve", &VisibleApps::All)).await;
    assert_eq!(refused(wider), Code::InsufficientScope);
    let eve = add_user(&oubli, &admin, named("eve", &shop)).await.unwrap();
    let wider = change_user(&oubli, &admin, eve.user, Role::Dpo, VisibleApps::All).await;
    assert_eq!(refused(wider), Code::InsufficientScope);
    let changed = change_user(&oubli, &admin, eve.user, Role::Dpo, shop).await.unwrap();
    assert_eq!((changed.role, changed.must_change), (Role::Dpo, true));
    let other = disable(&oubli, &admin, root.user).await;
    assert_eq!(refused(other), Code::UserNotFound);
    assert_eq!(refused(enable(&oubli, &admin, root.user).await), Code::UserNotFound);
    let other = change_user(&oubli, &admin, root.user, Role::Dpo, shop_alone()).await;
    assert_eq!(refused(other), Code::UserNotFound);
    let seen_by = |users: Vec<StaffUser>| users.into_iter().map(|u| u.name).collect::<Vec<_>>();
    assert_eq!(seen_by(visible_users(&oubli, &admin, None, 1).await.unwrap()), ["ada"]);
    assert_eq!(seen_by(visible_users(&oubli, &admin, Some("ada"), 9).await.unwrap()), ["eve"]);
    let events = list_events(&oubli, &root, None, 9).await.unwrap();
    let mut kinds: Vec<_> = events.into_iter().map(|event| event.kind).collect();
    kinds.sort();
    assert_eq!(kinds, ["user.change", "user.create", "user.create", "user.create"]);
}
