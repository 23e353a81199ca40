//! What the envelope and the key tree promise: a ciphertext opens at its own place, under its own
//! key, with every bit as it was, and nowhere else.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use oubli_domain::{AppId, RequestId, SubjectId, Time};
use oubli_vault::{AppKey, DataKey, DataKeyName, FieldContext, KeyOwner, Label, VaultError};
use proptest::prelude::*;
use uuid::Uuid;

fn app(name: &str) -> AppId {
    AppId::new(name).unwrap()
}

fn subject() -> SubjectId {
    SubjectId::fresh(Time(1_700_000_000_000_000))
}

fn data_key() -> DataKey {
    DataKey::generate(&app("shop"), subject()).unwrap()
}

/// `bytes` with one bit turned over.
fn flip(bytes: &[u8], bit: usize) -> Vec<u8> {
    let mut changed = bytes.to_vec();
    changed[bit / 8] ^= 1 << (bit % 8);
    changed
}

#[test]
fn a_value_opens_as_of_the_record_version_that_wrote_it_alone() {
    let key = data_key();
    let of = |version| key.field("profile", "1", "email", version);
    let sealed = key.seal(&of(1), b"ada").unwrap();
    assert!(key.open(&of(1), &sealed).is_ok());
    assert!([0, 2].into_iter().all(|version| key.open(&of(version), &sealed).is_err()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_sealed_opens_at_its_place(
        text in prop::collection::vec(any::<u8>(), 0..512),
        category in "[a-z][a-z_]{0,20}",
        record in "[A-Za-z0-9_-]{1,64}",
        field in "[a-z][a-z_]{0,20}",
        version in any::<u64>(),
    ) {
        let key = data_key();
        let context = key.field(&category, &record, &field, version);
        let sealed = key.seal(&context, &text).unwrap();
        prop_assert_eq!(sealed.len(), text.len() + oubli_vault::aead::OVERHEAD_BYTES);
        let opened = key.open(&context, &sealed).unwrap();
        prop_assert_eq!(opened.as_slice(), text.as_slice());
    }

    #[test]
    fn any_flipped_bit_is_seen(
        text in prop::collection::vec(any::<u8>(), 0..64),
    ) {
        let key = data_key();
        let context = key.field("profile", "1", "email", 1);
        let sealed = key.seal(&context, &text).unwrap();
        for bit in 0..sealed.len() * 8 {
            prop_assert!(key.open(&context, &flip(&sealed, bit)).is_err(), "bit {}", bit);
        }
    }

    #[test]
    fn any_cut_or_longer_ciphertext_is_seen(
        text in prop::collection::vec(any::<u8>(), 0..64),
        more in prop::collection::vec(any::<u8>(), 1..32),
    ) {
        let key = data_key();
        let context = key.field("profile", "1", "email", 1);
        let sealed = key.seal(&context, &text).unwrap();
        for length in 0..sealed.len() {
            prop_assert!(key.open(&context, &sealed[..length]).is_err());
        }
        prop_assert!(key.open(&context, &[sealed, more].concat()).is_err());
    }

    #[test]
    fn no_other_place_opens_it(
        category in "[a-z][a-z_]{0,20}", other_category in "[a-z][a-z_]{0,20}",
        record in "[A-Za-z0-9_-]{1,64}", other_record in "[A-Za-z0-9_-]{1,64}",
        field in "[a-z][a-z_]{0,20}", other_field in "[a-z][a-z_]{0,20}",
        version in any::<u64>(), other_version in any::<u64>(),
    ) {
        let key = data_key();
        let context = key.field(&category, &record, &field, version);
        let sealed = key.seal(&context, b"value").unwrap();
        let places = [
            FieldContext { category: &other_category, ..context },
            FieldContext { record: &other_record, ..context },
            FieldContext { field: &other_field, ..context },
            FieldContext { record_version: other_version, ..context },
            // The same letters, cut elsewhere: only length prefixes tell these apart.
            FieldContext { category: &category[1..], record: &(category[..1].to_owned() + &record), ..context },
        ];
        for place in places.iter().filter(|place| **place != context) {
            prop_assert!(matches!(key.open(place, &sealed), Err(VaultError::Unauthentic)));
        }
    }

    #[test]
    fn any_flipped_bit_of_a_wrapped_data_key_is_seen(seed in any::<u8>()) {
        let app_key = AppKey::generate(&app("shop"), u32::from(seed));
        let key = data_key();
        let wrapped = key.wrap(&app_key).unwrap();
        for bit in 0..wrapped.len() * 8 {
            let changed = flip(&wrapped, bit);
            let unwrapped = DataKey::unwrap(&app_key, key.name(), &changed, key.commitment());
            prop_assert!(unwrapped.is_err(), "bit {}", bit);
        }
    }
}

#[test]
fn another_app_subject_key_id_or_label_does_not_open_it() {
    let key = data_key();
    let context = key.field("profile", "1", "email", 1);
    let sealed = key.seal(&context, b"value").unwrap();
    let other_app = app("shop2");
    let KeyOwner::Subject(owner) = key.owner() else { panic!("a subject's key") };
    let places = [
        FieldContext { app: &other_app, ..context },
        FieldContext { owner: subject().into(), ..context },
        FieldContext { owner: KeyOwner::Request(RequestId(owner.0)), ..context },
        FieldContext { owner: KeyOwner::KeptItem(owner.0), ..context },
        FieldContext { key_id: Uuid::nil(), ..context },
        FieldContext { label: Label::Identifier, ..context },
        FieldContext { label: Label::KeptItem, ..context },
    ];
    for place in &places {
        let refused = matches!(key.open(place, &sealed), Err(VaultError::Unauthentic));
        assert!(refused, "{place:?}");
    }
    assert!(matches!(data_key().open(&context, &sealed), Err(VaultError::Unauthentic)));
}

#[test]
fn every_kind_of_ciphertext_opens_as_itself_alone() {
    let key = data_key();
    let labels = [
        Label::Field,
        Label::Identifier,
        Label::RequestContact,
        Label::KeptItem,
        Label::Bundle,
        Label::EventText,
        Label::HoldNote,
        Label::ConsentSignal,
    ];
    for sealed_as in labels {
        let sealed = key.seal(&key.context(sealed_as, "", "1", ""), b"value").unwrap();
        for opened_as in labels {
            let opened = key.open(&key.context(opened_as, "", "1", ""), &sealed);
            assert_eq!(opened.is_ok(), sealed_as == opened_as, "{sealed_as:?} as {opened_as:?}");
        }
    }
}

#[test]
fn a_wrapped_data_key_unwraps_under_its_own_name_alone() {
    let app_key = AppKey::generate(&app("shop"), 1);
    let key = data_key();
    let wrapped = key.wrap(&app_key).unwrap();
    let name = key.name();
    let again = DataKey::unwrap(&app_key, name, &wrapped, key.commitment()).unwrap();
    let context = key.field("profile", "1", "email", 1);
    let sealed = key.seal(&context, b"value").unwrap();
    assert_eq!(again.open(&context, &sealed).unwrap().as_slice(), b"value");
    assert_eq!(again.subject_ref(), key.subject_ref());

    let others = [
        DataKeyName { owner: subject().into(), ..name },
        DataKeyName { key_id: Uuid::nil(), ..name },
        DataKeyName { version: 2, ..name },
    ];
    for other in others {
        let unwrapped = DataKey::unwrap(&app_key, other, &wrapped, key.commitment());
        assert!(matches!(unwrapped, Err(VaultError::Unauthentic)), "{other:?}");
    }
    let stranger = AppKey::generate(&app("shop"), 1);
    assert!(DataKey::unwrap(&stranger, name, &wrapped, key.commitment()).is_err());
}

#[test]
fn a_data_key_moves_to_the_next_epoch_and_stays_itself() {
    let old = AppKey::generate(&app("shop"), 1);
    let new = AppKey::generate(&app("shop"), 2);
    let key = data_key();
    let unwrapped =
        DataKey::unwrap(&old, key.name(), &key.wrap(&old).unwrap(), key.commitment()).unwrap();
    let rewrapped = unwrapped.wrap(&new).unwrap();
    let moved = DataKey::unwrap(&new, key.name(), &rewrapped, key.commitment()).unwrap();
    assert_eq!(moved.subject_ref(), key.subject_ref());
    assert!(matches!(
        DataKey::unwrap(&old, key.name(), &rewrapped, key.commitment()),
        Err(VaultError::WrongKeyVersion)
    ));
}

#[test]
fn a_commitment_that_differs_is_refused() {
    let app_key = AppKey::generate(&app("shop"), 1);
    let key = data_key();
    let wrapped = key.wrap(&app_key).unwrap();
    let flipped = flip(key.commitment(), 255);
    for commitment in [flipped.as_slice(), data_key().commitment(), &[], &key.commitment()[..31]] {
        let unwrapped = DataKey::unwrap(&app_key, key.name(), &wrapped, commitment);
        assert!(matches!(unwrapped, Err(VaultError::CommitmentMismatch)));
    }
}

#[test]
fn an_apps_secret_opens_under_its_name_and_version_alone() {
    let app_key = AppKey::generate(&app("shop"), 3);
    let sealed = app_key.seal_secret("index/email", 1, b"secret").unwrap();
    assert_eq!(app_key.open_secret("index/email", 1, &sealed).unwrap().as_slice(), b"secret");
    assert!(app_key.open_secret("index/phone", 1, &sealed).is_err());
    assert!(app_key.open_secret("index/email", 2, &sealed).is_err());
    let stranger = AppKey::generate(&app("shop"), 3);
    assert!(stranger.open_secret("index/email", 1, &sealed).is_err());
}

#[test]
fn references_point_to_one_subject_through_its_key_alone() {
    let (app, subject) = (app("shop"), subject());
    let one = DataKey::generate(&app, subject).unwrap();
    let other = DataKey::generate(&app, subject).unwrap();
    assert_ne!(one.subject_ref(), other.subject_ref());
    assert_ne!(one.subject_ref(), *one.commitment());
}

#[test]
fn debug_of_keys_shows_no_secret() {
    let app_key = AppKey::generate(&app("shop"), 1);
    assert_eq!(format!("{app_key:?}"), r#"AppKey { app: AppId("shop"), epoch: 1, .. }"#);
    let key = data_key();
    let expected = format!("DataKey {{ id: {:?}, version: 1, .. }}", key.id());
    assert_eq!(format!("{key:?}"), expected);
}
