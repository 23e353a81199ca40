//! What changed between two versions of the data map, with how much of what is stored it reaches.

use std::collections::{BTreeMap, BTreeSet};

use oubli_domain::data_map::diff::{self, Change, Reach};
use oubli_domain::identifier::IdentifierType;
use oubli_domain::{AppId, Code, DataMap, Name};
use oubli_store::{consents, data_maps, identifiers, records};

use crate::caller::Caller;
use crate::error::{Error, Result};
use crate::oubli::Oubli;

/// The most records of one category that are looked at, and the most consents that are counted.
const MOST: u64 = 10_000;
/// How many records are looked at in one read; each is at most some 256 KiB.
const PAGE: i64 = 100;

/// A count that ends at a bound, so that it takes bounded time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Count {
    /// How many were found.
    pub number: u64,
    /// Whether there may be more: only the first 10,000 were looked at.
    pub at_least: bool,
}

/// A change, with a count for each of its meanings that reaches anything.
#[derive(Clone, PartialEq, Debug)]
pub struct CountedChange {
    /// The change.
    pub change: Change,
    /// In the order of its meanings.
    pub counts: Vec<Option<Count>>,
}

/// The difference of two versions.
#[derive(Clone, PartialEq, Debug)]
pub struct Diff {
    /// The number of the one.
    pub from: i64,
    /// The number of the other.
    pub to: i64,
    /// What differs.
    pub changes: Vec<CountedChange>,
}

/// What changed from one version to another. `to` is the version in force when it is none, `from`
/// the one before `to`. The counts are of what is stored now.
///
/// # Errors
/// `data-map-not-found` when the app has no such version.
pub async fn diff(
    oubli: &Oubli,
    caller: &Caller,
    from: Option<i64>,
    to: Option<i64>,
) -> Result<Diff> {
    let app = &caller.app;
    let mut conn = oubli.data().snapshot().await?;
    let in_force = oubli.model(&mut conn, app).await?.app.data_map_version;
    let to = to.unwrap_or(in_force);
    let from = from.unwrap_or(to.saturating_sub(1));
    let mut maps = Vec::new();
    for version in [from, to] {
        let stored = data_maps::get(&mut conn, app, version).await?;
        maps.push(read(&stored.ok_or(Code::DataMapNotFound)?.document)?);
    }
    drop(conn);
    let changes = diff::diff(&maps[0], &maps[1]);
    let counts = Counter { oubli, app }.count(&changes).await?;
    let counted = |change: Change| {
        let reaches = change.meanings.iter().map(|meaning| meaning.reach.as_ref());
        let counts = reaches.map(|reach| reach.and_then(|r| counts.get(r).copied())).collect();
        CountedChange { change, counts }
    };
    Ok(Diff { from, to, changes: changes.into_iter().map(counted).collect() })
}

fn read(document: &str) -> Result<DataMap> {
    serde_json::from_str(document).map_err(|_| Error::Damaged("data_maps.document"))
}

struct Counter<'o> {
    oubli: &'o Oubli,
    app: &'o AppId,
}

impl Counter<'_> {
    /// Each thing that any of the changes reaches, counted once.
    async fn count(&self, changes: &[Change]) -> Result<BTreeMap<Reach, Count>> {
        let meanings = changes.iter().flat_map(|change| &change.meanings);
        let reaches: BTreeSet<&Reach> = meanings.filter_map(|m| m.reach.as_ref()).collect();
        let mut counts = BTreeMap::new();
        let mut categories = BTreeSet::new();
        if reaches.iter().any(|reach| matches!(reach, Reach::Identifiers(_))) {
            self.identifiers(&mut counts).await?;
        }
        for reach in &reaches {
            match reach {
                Reach::Grants(purpose) => {
                    counts.insert((*reach).clone(), self.grants(purpose).await?);
                }
                Reach::Identifiers(_) => {}
                Reach::Records(category) | Reach::Holding(category, _) => {
                    categories.insert(category);
                }
            }
        }
        for category in categories {
            let (total, fields) = self.records(category).await?;
            for reach in &reaches {
                let number = match reach {
                    Reach::Records(of) if of == category => total.number,
                    Reach::Holding(of, field) if of == category => {
                        fields.get(field).copied().unwrap_or(0)
                    }
                    _ => continue,
                };
                counts.insert((*reach).clone(), Count { number, ..total });
            }
        }
        Ok(counts)
    }

    /// How many identifiers there are of each type.
    async fn identifiers(&self, counts: &mut BTreeMap<Reach, Count>) -> Result<()> {
        let mut conn = self.oubli.data().conn().await?;
        let found = identifiers::count_by_type(&mut conn, self.app, MOST).await?;
        let at_least = found.values().sum::<u64>() >= MOST;
        for kind in IdentifierType::ALL {
            let number = found.get(kind).copied().unwrap_or(0);
            counts.insert(Reach::Identifiers(*kind), Count { number, at_least });
        }
        Ok(())
    }

    async fn grants(&self, purpose: &Name) -> Result<Count> {
        let mut conn = self.oubli.data().conn().await?;
        let number = consents::count_granted(&mut conn, self.app, purpose, MOST + 1).await?;
        Ok(Count { number: number.min(MOST), at_least: number > MOST })
    }

    /// How many records a category has, and how many of them hold each field.
    async fn records(&self, category: &Name) -> Result<(Count, BTreeMap<Name, u64>)> {
        let (mut fields, mut number, mut after) = (BTreeMap::new(), 0, None);
        while number < MOST {
            // A read of its own for each page: none may last.
            let mut conn = self.oubli.data().conn().await?;
            let page =
                records::page_of_category(&mut conn, self.app, category, after.as_ref(), PAGE)
                    .await?;
            drop(conn);
            for field in page.iter().flat_map(|record| &record.fields) {
                *fields.entry(field.name.clone()).or_insert(0) += 1;
            }
            number += u64::try_from(page.len()).unwrap_or(MOST);
            match page.into_iter().last() {
                Some(last) => after = Some(last.key),
                None => return Ok((Count { number, at_least: false }, fields)),
            }
        }
        Ok((Count { number, at_least: true }, fields))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use oubli_domain::consent::{Action, Language, Signals};
    use oubli_domain::data_map::diff::Effect;
    use oubli_domain::identifier::IdentifierType;
    use oubli_domain::{Code, Pii};
    use serde_json::json;

    use super::super::tests::{name, opened, shop, somebody};
    use super::{Count, Diff, diff};
    use crate::consents::{self, NewConsent};
    use crate::data_map;
    use crate::notices::{self, NewNotice};
    use crate::records::{self, RecordKey};
    use crate::subjects::{self, NewIdentifier};
    use crate::testing::{self, refused};

    fn counts(diff: &Diff, effect: Effect) -> Vec<Option<Count>> {
        let changes = diff.changes.iter();
        let meanings = changes.flat_map(|c| c.change.meanings.iter().zip(&c.counts));
        meanings.filter(|(m, _)| m.effect == effect).map(|(_, count)| *count).collect()
    }

    #[tokio::test]
    async fn changes_are_told_with_what_they_reach() {
        let (_dir, oubli, _) = testing::oubli().await;
        let call = opened(&oubli).await;
        for (id, body) in [("a", json!({"name": "Ada", "age": 36})), ("b", json!({"name": "Bo"}))] {
            let subject = somebody(&oubli, &call).await;
            let record = oubli_domain::RecordId::new(id).unwrap();
            let key = RecordKey { subject, category: name("profile"), record };
            records::put(&oubli, &call, &key, body, None).await.unwrap();
        }
        let mut second = shop();
        second["categories"]["profile"]["fields"].as_object_mut().unwrap().shift_remove("age");
        second["purposes"].as_object_mut().unwrap().shift_remove("advice");
        data_map::put(&oubli, &call, second).await.unwrap();
        let found = diff(&oubli, &call.caller, None, None).await.unwrap();
        assert_eq!((found.from, found.to), (1, 2));
        let one = Some(Count { number: 1, at_least: false });
        assert_eq!(counts(&found, Effect::StaysUnread), [one]);
        assert_eq!(
            counts(&found, Effect::PurposeGone),
            [Some(Count { number: 0, at_least: false })]
        );
        let back = diff(&oubli, &call.caller, Some(2), Some(1)).await.unwrap();
        assert_eq!(counts(&back, Effect::ReadsEarlier), [one, one]);
        for (from, to) in [(Some(0), None), (None, Some(3)), (Some(i64::MIN), Some(i64::MAX))] {
            let missing = diff(&oubli, &call.caller, from, to).await;
            assert_eq!(refused(missing), Code::DataMapNotFound);
        }
    }

    #[tokio::test]
    async fn identifiers_are_counted_by_type() {
        let (_dir, oubli, _) = testing::oubli().await;
        let call = opened(&oubli).await;
        for n in 0..2 {
            let value = Pii::new(format!("p{n}@people.example"));
            let new = vec![NewIdentifier { kind: IdentifierType::Email, value }];
            subjects::create(&oubli, &call, new).await.unwrap();
        }
        let mut second = shop();
        second["purposes"]["fulfil"]["reads"]["identifiers"] = json!(["email", "phone"]);
        data_map::put(&oubli, &call, second).await.unwrap();
        let found = diff(&oubli, &call.caller, None, None).await.unwrap();
        let number = |number| Some(Count { number, at_least: false });
        assert_eq!(counts(&found, Effect::ReadsEarlier), [number(2), number(0)]);
    }

    #[tokio::test]
    async fn a_shorter_validity_counts_those_who_granted() {
        let (_dir, oubli, _) = testing::oubli().await;
        let call = opened(&oubli).await;
        let texts = [(Language::new("en").unwrap(), "News".to_owned())].into();
        let notice = NewNotice { texts, requires_renewal: false };
        notices::put(&oubli, &call, &name("news"), &notice).await.unwrap();
        for action in [Action::Granted, Action::Granted, Action::Refused] {
            let subject = somebody(&oubli, &call).await;
            let granted = action == Action::Granted;
            let consent = NewConsent {
                purpose: name("newsletter"),
                action,
                notice_version: granted.then_some(1),
                language: granted.then(|| Language::new("en").unwrap()),
                id: None,
                signals: Signals::default(),
            };
            consents::record(&oubli, &call, subject, &consent).await.unwrap();
        }
        let mut second = shop();
        second["purposes"]["newsletter"]["consent_validity"] = json!("P6M");
        data_map::put(&oubli, &call, second).await.unwrap();
        let found = diff(&oubli, &call.caller, Some(1), Some(2)).await.unwrap();
        let two = Some(Count { number: 2, at_least: false });
        assert_eq!(counts(&found, Effect::ExpiresEarlier), [two]);
    }
}
