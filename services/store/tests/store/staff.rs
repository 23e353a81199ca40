//! Staff users and their sessions.

use std::sync::Arc;

use anyhow::Context;
use oubli_domain::scope::Role;
use oubli_domain::{SessionId, UserId};
use oubli_store::StoreError;
use oubli_store::staff::sessions;
use oubli_store::staff::sign_ins::{self, Outcome, Query};
use oubli_store::staff::users::{self, NewPassword, NewUser, VisibleApps};
use tokio::sync::Semaphore;

use crate::common::{NOON, Stores, app, both_engines, write};

fn new_user(name: &str, apps: VisibleApps) -> NewUser {
    NewUser {
        user: UserId::fresh(NOON),
        name: name.to_owned(),
        role: Role::Dpo,
        apps,
        password_hash: "$argon2id$v=19$secret".to_owned(),
        created_at: NOON,
        must_change: false,
        password_expires_at: None,
    }
}

fn new_password() -> NewPassword {
    NewPassword { hash: "new".to_owned(), must_change: true, expires_at: Some(NOON) }
}

async fn stored(stores: &Stores, user: UserId) -> anyhow::Result<users::User> {
    users::by_id(&mut stores.data.conn().await?, user).await?.context("the user")
}

async fn open_session(stores: &Stores, user: UserId, seconds: i64) -> anyhow::Result<SessionId> {
    let session = SessionId::fresh(NOON);
    let until = NOON.plus_seconds(seconds);
    write!(stores.data, [], |tx| sessions::insert(tx, session, user, NOON, until).await)?;
    Ok(session)
}

#[test]
fn debug_shows_neither_name_nor_hash() {
    let shown = format!("{:?}", new_user("ada", VisibleApps::All));
    assert!(!shown.contains("ada") && !shown.contains("secret"), "{shown}");
}

/// A sign-in commits after a new password's transaction took its snapshot and before it writes.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_opens_while_the_password_changes_ends_with_it() -> anyhow::Result<()> {
    let stores = Stores::postgres().await?;
    let new = new_user("ada", VisibleApps::All);
    let (user, session) = (new.user, SessionId::fresh(NOON));
    write!(stores.data, [new], |tx| users::insert(tx, &new).await)?;
    // Permits are not used up, since a write may run more than once.
    let (has_read, opened) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let change = async {
        write!(stores.data, [has_read, opened], |tx| {
            users::by_id(tx, user).await?;
            has_read.add_permits(1);
            drop(opened.acquire().await);
            users::set_password(tx, user, &new_password()).await?;
            sessions::end_all(tx, user, NOON).await
        })
    };
    let sign_in = async {
        drop(has_read.acquire().await);
        let signed_in = write!(stores.data, [], |tx| {
            users::clear_failures(tx, user).await?;
            sessions::insert(tx, session, user, NOON, NOON.plus_seconds(60)).await
        });
        opened.add_permits(1);
        signed_in
    };
    let (ended, signed_in) = tokio::join!(change, sign_in);
    signed_in?;
    assert_eq!(ended?, 1);
    let session = sessions::get(&mut stores.data.conn().await?, session).await?;
    assert!(!session.context("the session")?.is_open(NOON));
    Ok(())
}

both_engines! {
    async fn a_user_is_found_by_name_and_by_id(stores: Stores) {
        let apps = VisibleApps::Only(vec![app("shop")?, app("blog")?]);
        let new = new_user("ada", apps.clone());
        write!(stores.data, [new], |tx| users::insert(tx, &new).await)?;
        let user = stored(&stores, new.user).await?;
        assert_eq!(users::by_name(&mut stores.data.conn().await?, "ada").await?, Some(user.clone()));
        assert_eq!((user.user, user.name.as_str(), user.role), (new.user, "ada", Role::Dpo));
        assert_eq!((&user.apps, &user.password_hash), (&apps, &new.password_hash));
        assert_eq!((user.failed_logins, user.locked_until, user.disabled_at), (0, None, None));
        assert!(user.apps.include(&app("shop")?) && !user.apps.include(&app("other")?));
        assert!(users::by_name(&mut stores.data.conn().await?, "Ada").await?.is_none());
    }

    async fn a_name_is_taken_once(stores: Stores) {
        let (first, second) = (new_user("ada", VisibleApps::All), new_user("ada", VisibleApps::All));
        write!(stores.data, [first], |tx| users::insert(tx, &first).await)?;
        let taken = write!(stores.data, [second], |tx| users::insert(tx, &second).await);
        assert!(matches!(taken, Err(StoreError::Duplicate { .. })), "{taken:?}");
    }

    async fn users_are_listed_by_name(stores: Stores) {
        for name in ["grace", "ada", "joan"] {
            let new = new_user(name, VisibleApps::Only(Vec::new()));
            write!(stores.data, [new], |tx| users::insert(tx, &new).await)?;
        }
        let mut conn = stores.data.conn().await?;
        let first = users::list(&mut conn, None, 1).await?;
        let rest = users::list(&mut conn, Some("ada"), 5).await?;
        let names: Vec<_> = first.iter().chain(&rest).map(|user| user.name.as_str()).collect();
        assert_eq!(names, ["ada", "grace", "joan"]);
        assert_eq!(first[0].apps, VisibleApps::Only(Vec::new()));
    }

    async fn failures_are_kept_until_a_sign_in_or_a_new_password(stores: Stores) {
        let new = new_user("ada", VisibleApps::All);
        let (user, until) = (new.user, NOON.plus_seconds(60));
        write!(stores.data, [new], |tx| users::insert(tx, &new).await)?;
        write!(stores.data, [], |tx| users::record_failure(tx, user, 5, Some(until)).await)?;
        let locked = stored(&stores, user).await?;
        assert_eq!((locked.failed_logins, locked.locked_until), (5, Some(until)));
        write!(stores.data, [], |tx| users::clear_failures(tx, user).await)?;
        let open = stored(&stores, user).await?;
        assert_eq!((open.failed_logins, open.locked_until), (0, None));
        write!(stores.data, [], |tx| users::record_failure(tx, user, 1, None).await)?;
        write!(stores.data, [], |tx| users::set_password(tx, user, &new_password()).await)?;
        let changed = stored(&stores, user).await?;
        assert_eq!((changed.failed_logins, changed.password_hash.as_str()), (0, "new"));
        let nobody = UserId::fresh(NOON);
        let none = write!(stores.data, [], |tx| users::set_password(tx, nobody, &new_password()).await);
        assert!(matches!(none, Err(StoreError::RowCount { actual: 0, .. })), "{none:?}");
    }

    async fn a_user_is_disabled_once(stores: Stores) {
        let new = new_user("ada", VisibleApps::All);
        let user = new.user;
        write!(stores.data, [new], |tx| users::insert(tx, &new).await)?;
        assert!(write!(stores.data, [], |tx| users::disable(tx, user, NOON).await)?);
        let later = NOON.plus_seconds(1);
        assert!(!write!(stores.data, [], |tx| users::disable(tx, user, later).await)?);
        assert_eq!(stored(&stores, user).await?.disabled_at, Some(NOON));
    }

    async fn a_session_is_open_until_it_ends_or_expires(stores: Stores) {
        let user = UserId::fresh(NOON);
        let id = open_session(&stores, user, 10).await?;
        let mut conn = stores.data.conn().await?;
        let session = sessions::get(&mut conn, id).await?.context("the session")?;
        assert_eq!((session.session, session.user, session.created_at), (id, user, NOON));
        assert!(session.is_open(NOON.plus_seconds(9)) && !session.is_open(NOON.plus_seconds(10)));
        assert!(write!(stores.data, [], |tx| sessions::end(tx, id, NOON).await)?);
        assert!(!write!(stores.data, [], |tx| sessions::end(tx, id, NOON).await)?);
        let ended = sessions::get(&mut conn, id).await?.context("the session")?;
        assert!(!ended.is_open(NOON));
    }

    async fn every_session_of_a_user_ends_and_no_other(stores: Stores) {
        let (ada, grace) = (UserId::fresh(NOON), UserId::fresh(NOON));
        let first = open_session(&stores, ada, 10).await?;
        open_session(&stores, ada, 10).await?;
        let other = open_session(&stores, grace, 10).await?;
        assert!(write!(stores.data, [], |tx| sessions::end(tx, first, NOON).await)?);
        assert_eq!(write!(stores.data, [], |tx| sessions::end_all(tx, ada, NOON).await)?, 1);
        let mut conn = stores.data.conn().await?;
        assert!(sessions::get(&mut conn, other).await?.context("the other")?.is_open(NOON));
    }

    async fn expired_sessions_are_purged_within_the_limit(stores: Stores) {
        let user = UserId::fresh(NOON);
        for seconds in [1, 2, 3] {
            open_session(&stores, user, seconds).await?;
        }
        let open = open_session(&stores, user, 60).await?;
        let before = NOON.plus_seconds(3);
        assert_eq!(write!(stores.data, [], |tx| sessions::purge(tx, before, 2).await)?, 2);
        assert_eq!(write!(stores.data, [], |tx| sessions::purge(tx, before, 2).await)?, 1);
        assert!(sessions::get(&mut stores.data.conn().await?, open).await?.is_some());
    }

    async fn the_admins_who_may_sign_in_are_counted(stores: Stores) {
        for name in ["ada", "grace"] {
            let new = NewUser { role: Role::Admin, ..new_user(name, VisibleApps::All) };
            write!(stores.data, [new], |tx| users::insert(tx, &new).await)?;
        }
        let (ada, apps) = (users::by_name(&mut stores.data.conn().await?, "ada").await?, VisibleApps::All);
        let ada = ada.context("ada")?.user;
        assert_eq!(write!(stores.data, [], |tx| users::lock_admins(tx).await)?, 2);
        write!(stores.data, [], |tx| users::disable(tx, ada, NOON).await)?;
        assert_eq!(write!(stores.data, [], |tx| users::lock_admins(tx).await)?, 1);
        assert!(write!(stores.data, [], |tx| users::enable(tx, ada).await)?);
        write!(stores.data, [apps], |tx| users::set_role(tx, ada, Role::Dpo, &apps).await)?;
        assert_eq!(write!(stores.data, [], |tx| users::lock_admins(tx).await)?, 1);
    }

    async fn sign_ins_are_listed_counted_and_purged(stores: Stores) {
        let (user, mac) = (UserId::fresh(NOON), [7; 32]);
        write!(stores.data, [], |tx| sign_ins::insert(tx, user, Outcome::Locked, NOON).await)?;
        for seconds in [0, 1, 86_400] {
            let at = NOON.plus_seconds(seconds);
            write!(stores.data, [], |tx| sign_ins::count_unknown(tx, &mac, at).await)?;
        }
        let all = Query { user: None, from: NOON, to: NOON.plus_seconds(90_000), after: None, limit: 9 };
        let mut conn = stores.data.conn().await?;
        let tries: Vec<_> = sign_ins::list(&mut conn, &all).await?.iter().map(|s| s.tries).collect();
        assert_eq!(tries.iter().sum::<i64>(), 4);
        assert_eq!(tries.len(), 3);
        let own = sign_ins::list(&mut conn, &Query { user: Some(user), ..all }).await?;
        assert_eq!((own.len(), own[0].outcome, own[0].at), (1, Outcome::Locked, NOON));
        drop(conn);
        let before = NOON.plus_seconds(2);
        assert_eq!(write!(stores.data, [], |tx| sign_ins::purge(tx, before, 9).await)?, 2);
    }
}
