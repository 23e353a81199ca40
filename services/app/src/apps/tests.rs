#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use oubli_domain::{AppId, Code};
use oubli_store::events::{self, Search};

use super::{create, get, list, put_settings, settings};
use crate::auth::VisibleApps;
use crate::testing::{self, refused};
use crate::{Call, Oubli, Settings};

fn names(apps: &[super::App]) -> Vec<&str> {
    apps.iter().map(|app| app.app.as_str()).collect()
}

async fn log(oubli: &Oubli, app: &AppId) -> Vec<String> {
    let mut conn = oubli.data().conn().await.unwrap();
    let leaves = events::list(&mut conn, app, &Search::default(), None, 100).await.unwrap();
    let kind = |leaf: &str| -> serde_json::Value { serde_json::from_str(leaf).unwrap() };
    leaves.iter().map(|(_, leaf)| kind(leaf)["type"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn an_app_is_created_once() {
    let (_dir, oubli, _) = testing::oubli().await;
    let app = AppId::new("shop").unwrap();
    let mut call = Call::system(app.clone());
    call.once = Some(oubli.once("system", "key-1", "POST", "/v1/apps", b"{}").unwrap());
    let first = create(&oubli, &call, "Shop").await.unwrap();
    assert_eq!(create(&oubli, &call, "Shop").await.unwrap(), first, "a repeat is answered again");
    call.once = None;
    assert_eq!(refused(create(&oubli, &call, "Shop").await), Code::AppExists);
    assert_eq!(get(&oubli, &call.caller).await.unwrap().title, "Shop");
    assert_eq!(log(&oubli, &app).await, ["app.create"]);
    oubli.keyring().app(&app).await.unwrap();
}

#[tokio::test]
async fn keys_that_an_earlier_attempt_left_are_taken_over() {
    let (_dir, oubli, _) = testing::oubli().await;
    let app = AppId::new("shop").unwrap();
    oubli.keyring().create_app(&app, oubli.now()).await.unwrap();
    let before = oubli.keyring().app(&app).await.unwrap().log_signing.key_id().to_owned();
    testing::app(&oubli, "shop").await;
    assert_eq!(oubli.keyring().app(&app).await.unwrap().log_signing.key_id(), before);
}

#[tokio::test]
async fn titles_are_bounded() {
    let (_dir, oubli, _) = testing::oubli().await;
    let call = Call::system(AppId::new("shop").unwrap());
    for bad in ["", " Shop", "a\nb", &"x".repeat(121)] {
        let refusal = create(&oubli, &call, bad).await.unwrap_err().refusal();
        assert_eq!(
            (refusal.code, refusal.errors[0].pointer.as_str()),
            (Code::InvalidBody, "/title")
        );
    }
    create(&oubli, &call, &"é".repeat(120)).await.unwrap();
}

#[tokio::test]
async fn lists_go_by_name_and_show_what_the_user_may_see() {
    let (_dir, oubli, _) = testing::oubli().await;
    for name in ["c", "a", "b"] {
        testing::app(&oubli, name).await;
    }
    let id = |name: &str| AppId::new(name).unwrap();
    let all = VisibleApps::All;
    assert_eq!(names(&list(&oubli, &all, None, 2).await.unwrap()), ["a", "b"]);
    assert_eq!(names(&list(&oubli, &all, Some(&id("b")), 2).await.unwrap()), ["c"]);
    let some = VisibleApps::Only(vec![id("c"), id("never"), id("a"), id("c")]);
    assert_eq!(names(&list(&oubli, &some, None, 9).await.unwrap()), ["a", "c"]);
    assert_eq!(names(&list(&oubli, &some, None, 1).await.unwrap()), ["a"]);
    assert_eq!(names(&list(&oubli, &some, Some(&id("a")), 9).await.unwrap()), ["c"]);
}

#[tokio::test]
async fn settings_are_put_whole_and_within_bounds() {
    let (_dir, oubli, clock) = testing::oubli().await;
    let app = testing::app(&oubli, "shop").await;
    let call = Call::system(app.clone());
    assert_eq!(settings(&oubli, &call.caller).await.unwrap(), Settings::default());
    clock.advance(1);
    let new = Settings { access_token_seconds: 60, ..Settings::default() };
    put_settings(&oubli, &call, new.clone()).await.unwrap();
    assert_eq!(settings(&oubli, &call.caller).await.unwrap(), new);
    let bad = Settings { access_token_seconds: 59, ..Settings::default() };
    assert_eq!(refused(put_settings(&oubli, &call, bad).await), Code::InvalidBody);
    assert_eq!(settings(&oubli, &call.caller).await.unwrap(), new);
    assert_eq!(log(&oubli, &app).await, ["app.create", "settings.put"]);
    let nowhere = Call::system(AppId::new("nowhere").unwrap());
    assert_eq!(refused(put_settings(&oubli, &nowhere, new).await), Code::AppNotFound);
    assert_eq!(refused(settings(&oubli, &nowhere.caller).await), Code::AppNotFound);
}
