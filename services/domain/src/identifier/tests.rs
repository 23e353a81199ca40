#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;
use unicode_normalization::UnicodeNormalization;

use super::IdentifierType::{Email, ExternalId, Phone};
use super::{IdentifierType, normalise};
use crate::problem::Code;

fn normal(kind: IdentifierType, raw: &str, country: Option<&str>) -> String {
    normalise(kind, raw, country)
        .unwrap_or_else(|e| panic!("{raw}: {e:?}"))
        .value()
        .expose()
        .clone()
}

fn refused(kind: IdentifierType, raw: &str, country: Option<&str>) {
    let refusal = normalise(kind, raw, country).map(|_| raw).unwrap_err();
    assert_eq!(refusal.code, Code::InvalidIdentifier);
    let detail = refusal.detail.unwrap_or_default();
    let says_much = raw.contains(|c: char| c.is_ascii_digit() || c == '@');
    assert!(raw.len() < 4 || !says_much || !detail.contains(raw.trim()), "{detail}");
}

#[test]
fn addresses_are_lower_case_with_an_ascii_domain() {
    let cases = [
        (" Ada.Lovelace@Example.ORG\t", "ada.lovelace@example.org"),
        ("jörg@MÜLLER.example", "jörg@xn--mller-kva.example"),
        ("jo\u{308}rg@mu\u{308}ller.example", "jörg@xn--mller-kva.example"),
        ("a@xn--MLLER-kva.example", "a@xn--mller-kva.example"),
        ("o'neil+tag@example.org", "o'neil+tag@example.org"),
        ("用户@例え。jp", "用户@xn--r8jz45g.jp"),
        ("ada@localhost", "ada@localhost"),
    ];
    for (raw, wanted) in cases {
        assert_eq!(normal(Email, raw, None), wanted);
    }
}

#[test]
fn what_is_no_address_is_refused() {
    let long_local = format!("{}@example.org", "a".repeat(65));
    let long = format!("a@{}.org", [&*"b".repeat(60); 5].join("."));
    for bad in [
        "",
        "@",
        "ada",
        "ada@",
        "@example.org",
        "a@b@example.org",
        "a b@example.org",
        "\"a\"@example.org",
        "a@[127.0.0.1]",
        "a@exa mple.org",
        "a@-b.org",
        "a@b..org",
        "a@b.org.",
        "a@b_c.org",
        "ada@example.org\u{0}",
        "a\u{0}da@example.org",
        "a\u{200b}@example.org",
        "Ada <ada@example.org>",
        &long_local,
        &long,
    ] {
        refused(Email, bad, None);
    }
}

#[test]
fn an_address_has_254_bytes_and_64_before_the_at() {
    let of = |local: usize, domain: &str| format!("{}@{domain}", "a".repeat(local));
    normal(Email, &of(64, "example.org"), None);
    refused(Email, &of(65, "example.org"), None);
    let long = [&*"b".repeat(60); 4].join(".");
    normal(Email, &of(10, &long), None);
    refused(Email, &of(11, &long), None);
}

#[test]
fn numbers_are_e164() {
    let cases = [
        ("+49 (0)711 2842222", None, "+497112842222"),
        ("+49 0711 2842222", Some("FR"), "+497112842222"),
        ("0711/284-2222", Some("DE"), "+497112842222"),
        ("0049 711 2842222", Some("FR"), "+497112842222"),
        ("01 42 68 53 00", Some("FR"), "+33142685300"),
        ("(212) 221-3546", Some("US"), "+12122213546"),
        ("011 44 20 7976 5722", Some("US"), "+442079765722"),
        ("+39 06 39733434", Some("DE"), "+390639733434"),
        ("0039 06 39733434", Some("DE"), "+390639733434"),
        ("+1\u{a0}212\u{2011}221\u{2013}3546", None, "+12122213546"),
    ];
    for (raw, country, wanted) in cases {
        assert_eq!(normal(Phone, raw, country), wanted, "{raw}");
    }
}

#[test]
fn what_is_no_number_is_refused() {
    for bad in [
        "",
        "+",
        "112",
        "+1",
        "12 34",
        "phone",
        "0800 PIZZA",
        "+49 711 123 ext. 5",
        "tel:+497112842",
        "++497112842222",
        "4+97112842222",
        "+999 123456789",
        "+4971128422221234567",
        "00000000",
        "+00000000000",
        "＋49 711 2842222",
        "+49 711\u{0}2842222",
    ] {
        refused(Phone, bad, Some("DE"));
    }
    refused(Phone, "0711 2842222", None);
    refused(Phone, "0711 2842222", Some("XX"));
    refused(Phone, "0711 2842222", Some(""));
}

#[test]
fn external_ids_stay_as_they_are() {
    assert_eq!(normal(ExternalId, " Kunde-7a ", None), "Kunde-7a");
    assert_ne!(normal(ExternalId, "A", None), normal(ExternalId, "a", None));
    assert_eq!(normal(ExternalId, "e\u{301}", None), "é");
    assert_eq!(normal(ExternalId, &"é".repeat(255), None).chars().count(), 255);
    for bad in ["", " ", "a\u{0}b", "a\nb", "a\u{85}b", &"a".repeat(256), &" ".repeat(2000)] {
        refused(ExternalId, bad, None);
    }
}

/// Its length counts as it is composed, so that both forms find the same person.
#[test]
fn a_long_value_taken_apart_is_the_same() {
    let composed = "\u{1f82}".repeat(255);
    let decomposed: String = composed.nfd().collect();
    assert!(decomposed.len() > 2 * composed.len());
    assert_eq!(normal(ExternalId, &decomposed, None), composed);
    let spaced = |spaces: usize| format!("{}a", " ".repeat(spaces));
    assert_eq!(normal(ExternalId, &spaced(1023), None), "a");
    refused(ExternalId, &spaced(1024), None);
}

/// Runs over `customers.ndjson`, one JSON object a line, when the environment names its folder.
#[test]
fn sample_customers_are_found_by_their_identifiers() {
    let Some(folder) = std::env::var_os("OUBLI_SAMPLE_CUSTOMERS") else { return };
    let file = std::path::Path::new(&folder).join("customers.ndjson");
    let text = std::fs::read_to_string(file).unwrap();
    let mut phones = 0;
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let customer: serde_json::Value = serde_json::from_str(line).unwrap();
        let email = customer["Email"].as_str().unwrap();
        assert_eq!(normal(Email, email, None), email.trim().to_lowercase());
        if let Some(phone) = customer["Phone"].as_str() {
            let e164 = normal(Phone, phone, None);
            assert!(e164.starts_with('+') && e164[1..].bytes().all(|b| b.is_ascii_digit()));
            assert_eq!(normal(Phone, &e164, Some("US")), e164);
            phones += 1;
        }
    }
    assert!(phones > 0);
}

fn any_kind() -> impl Strategy<Value = IdentifierType> {
    prop::sample::select(IdentifierType::ALL)
}

fn any_country() -> impl Strategy<Value = Option<&'static str>> {
    prop::option::of(prop::sample::select(&["DE", "FR", "US", "IT", "GB", "BR", "AR", "ZZ"][..]))
}

proptest! {
    #[test]
    fn any_text_is_normalised_or_refused_and_a_normal_form_stays(
        kind in any_kind(),
        raw in prop_oneof!["\\PC{0,40}", any::<String>(), "\\PC{1,8}@\\PC{1,8}\\.\\PC{2}"],
        country in any_country(),
    ) {
        if let Ok(once) = normalise(kind, &raw, country) {
            let twice = normalise(kind, once.value().expose(), country).unwrap();
            prop_assert_eq!(once.value().expose(), twice.value().expose());
        }
    }

    #[test]
    fn composed_and_decomposed_forms_agree(kind in any_kind(), raw in "[a-zA-Zà-ÿÀ-ß0-9@. ]{1,30}") {
        let composed: String = raw.nfc().collect();
        let decomposed: String = raw.nfd().collect();
        prop_assert_eq!(
            normalise(kind, &composed, None),
            normalise(kind, &decomposed, None)
        );
    }

    #[test]
    fn upper_and_lower_case_addresses_agree(
        local in "[a-zà-öø-þ0-9.+_-]{1,20}",
        domain in "[a-zà-öø-þ0-9]{1,12}\\.[a-z]{2,5}",
    ) {
        let raw = format!("{local}@{domain}");
        prop_assert_eq!(
            normalise(Email, &raw, None),
            normalise(Email, &raw.to_uppercase(), None)
        );
    }
}

proptest! {
    // Each new country compiles its patterns, which is slow without optimisation.
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_normal_number_stays_whatever_the_country(
        raw in "(\\+|00|0|)[1-9][0-9 ()-]{5,16}",
        country in any_country(),
        other in any_country(),
    ) {
        if let Ok(once) = normalise(Phone, &raw, country) {
            let twice = normalise(Phone, once.value().expose(), other).unwrap();
            prop_assert_eq!(once.value().expose(), twice.value().expose());
        }
    }
}
