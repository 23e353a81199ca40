//! Notices.

use anyhow::Context;
use oubli_domain::Name;
use oubli_store::StoreError;
use oubli_store::notices::{self, Notice};

use crate::common::{NOON, app, both_engines, write};

fn name(text: &str) -> anyhow::Result<Name> {
    Name::new(text).ok().context("not a name")
}

fn version(notice: &Name, version: i64, requires_renewal: bool) -> Notice {
    Notice {
        notice: notice.clone(),
        version,
        texts_json: format!(r#"{{"en":"v{version}"}}"#),
        digest: [3; 32],
        requires_renewal,
        created_at: NOON,
        created_by: "usr_1".to_owned(),
    }
}

both_engines! {
    async fn a_version_or_the_newest_is_read(stores: Stores) {
        let (shop, news) = (app("shop")?, name("news")?);
        for number in [1, 2, 10] {
            let new = version(&news, number, false);
            write!(stores.data, [shop, new], |tx| notices::insert(tx, &shop, &new).await)?;
        }
        let mut conn = stores.data.conn().await?;
        let second = notices::get(&mut conn, &shop, &news, Some(2)).await?;
        assert_eq!(second, Some(version(&news, 2, false)));
        let newest = notices::get(&mut conn, &shop, &news, None).await?;
        assert_eq!(newest, Some(version(&news, 10, false)));
        assert_eq!(notices::get(&mut conn, &shop, &news, Some(3)).await?, None);
        assert_eq!(notices::get(&mut conn, &app("other")?, &news, None).await?, None);
        let new = version(&news, 2, false);
        let again = write!(stores.data, [shop, new], |tx| notices::insert(tx, &shop, &new).await);
        assert!(matches!(again, Err(StoreError::Duplicate { .. })), "{again:?}");
    }

    async fn the_list_and_the_renewals_are_those_of_the_app(stores: Stores) {
        let (shop, other) = (app("shop")?, app("other")?);
        let (ads, news) = (name("ads")?, name("news")?);
        for (owner, new) in [
            (&shop, version(&news, 1, true)),
            (&shop, version(&news, 2, true)),
            (&shop, version(&news, 3, false)),
            (&shop, version(&ads, 1, false)),
            (&other, version(&ads, 7, true)),
        ] {
            write!(stores.data, [owner, new], |tx| notices::insert(tx, &owner, &new).await)?;
        }
        let mut conn = stores.data.conn().await?;
        let listed = notices::list(&mut conn, &shop).await?;
        let listed: Vec<_> =
            listed.iter().map(|n| (n.notice.as_str(), n.version, n.requires_renewal)).collect();
        assert_eq!(
            listed,
            [("ads", 1, false), ("news", 1, true), ("news", 2, true), ("news", 3, false)]
        );
        let renewals = notices::renewals(&mut conn, &shop).await?;
        assert_eq!(renewals, [(news.clone(), 1, NOON), (news, 2, NOON)]);
    }
}
