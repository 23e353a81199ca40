#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use oubli_domain::Code;
use oubli_domain::consent::Language;

use super::{MAX_TEXT, NewNotice, get, list, put};
use crate::data_map::tests::{name, opened};
use crate::purposes;
use crate::testing::{self, refused};

/// A notice with these texts.
pub(crate) fn notice(texts: &[(&str, &str)], requires_renewal: bool) -> NewNotice {
    let texts = texts.iter().map(|(tag, text)| (Language::new(*tag).unwrap(), (*text).to_owned()));
    NewNotice { texts: texts.collect(), requires_renewal }
}

#[tokio::test]
async fn a_version_is_made_when_something_differs() {
    let (_dir, oubli, _) = testing::oubli().await;
    let call = opened(&oubli).await;
    let news = name("news");
    assert_eq!(refused(get(&oubli, &call.caller, &news, None).await), Code::NoticeNotFound);
    let (one, two) = (notice(&[("en", "One")], false), notice(&[("en", "One")], true));
    let three = notice(&[("en", "One"), ("de", "Eins")], true);
    let mut versions = Vec::new();
    for new in [&one, &one, &two, &two, &three, &one] {
        let put = put(&oubli, &call, &news, new).await.unwrap();
        versions.push((put.version, put.changed));
    }
    assert_eq!(versions, [(1, true), (1, false), (2, true), (2, false), (3, true), (4, true)]);
    let third = get(&oubli, &call.caller, &news, Some(3)).await.unwrap();
    assert_eq!((third.texts, third.info.requires_renewal), (three.texts, true));
    assert_eq!(get(&oubli, &call.caller, &news, None).await.unwrap().info.version, 4);
    let declared = purposes::get(&oubli, &call.caller, &name("newsletter")).await.unwrap();
    assert_eq!(declared.notice_version, Some(4));
}

#[tokio::test]
async fn texts_are_bounded() {
    let (_dir, oubli, _) = testing::oubli().await;
    let call = opened(&oubli).await;
    let long = "x".repeat(MAX_TEXT + 1);
    let tags: Vec<String> = (0..31).map(|n| format!("en-x{n:02}")).collect();
    let many: Vec<(&str, &str)> = tags.iter().map(|tag| (tag.as_str(), "text")).collect();
    for texts in [&[][..], &[("en", " ")], &[("en", &long)], &[("en", "a"), ("EN", "b")], &many] {
        let result = put(&oubli, &call, &name("news"), &notice(texts, false)).await;
        let refusal = result.unwrap_err().refusal();
        assert_eq!((refusal.code, &*refusal.errors[0].pointer), (Code::InvalidBody, "/texts"));
    }
    put(&oubli, &call, &name("news"), &notice(&many[..30], false)).await.unwrap();
    let longest = notice(&[("en", &long[1..])], false);
    put(&oubli, &call, &name("news"), &longest).await.unwrap();
}

#[tokio::test]
async fn the_list_goes_on_where_it_ended() {
    let (_dir, oubli, _) = testing::oubli().await;
    let call = opened(&oubli).await;
    for (to, text) in [("news", "a"), ("advice", "b"), ("news", "c")] {
        put(&oubli, &call, &name(to), &notice(&[("en", text)], false)).await.unwrap();
    }
    let first = list(&oubli, &call.caller, None, 2).await.unwrap();
    let last = first.last().map(|info| (info.notice.clone(), info.version)).unwrap();
    let rest = list(&oubli, &call.caller, Some(&last), 2).await.unwrap();
    let all: Vec<_> = first.iter().chain(&rest).map(|i| (i.notice.as_str(), i.version)).collect();
    assert_eq!(all, [("advice", 1), ("news", 1), ("news", 2)]);
}
