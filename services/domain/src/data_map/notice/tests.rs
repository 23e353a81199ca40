#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::json;

use super::{NoticeLanguage, PrivacyNotice, fill, markdown, privacy_notice};
use crate::DataMap;
use crate::data_map::{IDENTIFIERS, Reads, SpecialGround};
use crate::ids::Name;

fn map() -> DataMap {
    let field = |origin| json!({ "schema": {"type": "string"}, "classification": "name", "origin": origin });
    DataMap::parse(json!({
        "categories": { "profile": {
            "title": "Profile", "clock_start": {"from": "created"}, "duration": "P1Y6M",
            "fields": { "name": field(json!("provided")), "score": field(json!({"third_party": "Scores Ltd"})) },
        }},
        "purposes": {
            "news": { "title": "<b>News</b>", "lawful_basis": "consent", "notice": "news",
                "direct_marketing": true, "consent_validity": "P1Y", "reads": {"profile": ["name"]} },
            "credit": { "title": "Credit", "lawful_basis": "contract",
                "automated_decision": {"logic": "Points are added up."},
                "reads": {"profile": ["*"]} },
        },
        "app": {
            "controller": { "name": "Shop Ltd", "email": "privacy@shop.example" },
            "subject_kinds": ["customers"],
            "recipients": [{ "name": "mailer", "title": "Mail Inc", "country": "US" }],
            "transfers": [{ "country": "US", "recipient": "mailer", "safeguard": "SCC 2021/914" }],
            "supervisory_authority": { "name": "CNIL" },
            "time_zone": "Europe/Paris", "country": "FR",
        },
    }))
    .unwrap()
}

fn text(notice: &PrivacyNotice) -> String {
    let sections = notice.sections.iter();
    sections
        .flat_map(|s| s.paragraphs.iter().chain(&s.items))
        .cloned()
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn every_language_says_all_of_it() {
    for language in NoticeLanguage::ALL {
        let notice = privacy_notice(&map(), *language);
        let text = text(&notice);
        let facts = [
            "Shop Ltd, privacy@shop.example",
            "<b>News</b>",
            "Credit",
            "Scores Ltd",
            "Mail Inc (US)",
            "SCC 2021/914",
            "CNIL",
            "Points are added up.",
            "Profile (name, score)",
        ];
        for fact in facts {
            assert!(text.contains(fact), "{language}: {fact} is not in {text}");
        }
        for article in ["15", "16", "17", "18", "20", "21", "22"] {
            assert!(
                text.to_lowercase().contains(&format!("art. {article} ")),
                "{language} {article}"
            );
        }
        assert_eq!(notice.sections.len(), 10, "{language}");
        assert!(!text.contains("{}"), "{language} leaves a place empty");
    }
}

#[test]
fn identifiers_that_are_read_are_told_with_their_source_and_time_limit() {
    let mut read = map();
    let credit = read.purposes.iter_mut().find(|(name, _)| name.as_str() == "credit").unwrap().1;
    let fields = Reads::Fields([Name::new("email").unwrap()].into());
    credit.reads.insert(Name::new(IDENTIFIERS).unwrap(), fields);
    for language in NoticeLanguage::ALL {
        let t = language.texts();
        let told = text(&privacy_notice(&read, *language));
        let email = t.identifier_types[0];
        let source = fill(t.source, &[t.identifiers, email, t.provided]);
        let kept = fill(t.kept_with_person, &[t.identifiers]);
        for fact in [format!("{} ({email})", t.identifiers), source, kept] {
            assert!(told.contains(&fact), "{language}: {fact} is not in {told}");
        }
        let unread = text(&privacy_notice(&map(), *language));
        assert!(!unread.contains(t.identifiers), "{language}: no purpose reads any");
    }
}

#[test]
fn a_map_without_consent_tells_nobody_to_withdraw_it() {
    let mut map = map();
    map.purposes.retain(|name, _| name.as_str() == "credit");
    let notice = privacy_notice(&map, NoticeLanguage::En);
    assert!(notice.sections.iter().all(|section| !section.article.starts_with("7(3)")));
}

#[test]
fn periods_are_words_of_the_language() {
    for (language, words) in
        [("en", "1 year, 6 months"), ("de", "1 Jahr, 6 Monate"), ("fr", "1 an, 6 mois")]
    {
        let notice = privacy_notice(&map(), language.parse().unwrap());
        assert!(text(&notice).contains(words), "{language}");
    }
    let year = text(&privacy_notice(&map(), NoticeLanguage::En));
    assert!(!year.contains("0 months"), "a unit of which there is none");
}

#[test]
fn each_special_ground_is_told_by_its_letter_in_every_language() {
    for (ground, letter) in SpecialGround::ALL.iter().zip('a'..='j') {
        let mut map = map();
        let credit = map.purposes.get_mut(&Name::new("credit").unwrap()).unwrap();
        credit.special_ground = Some(*ground);
        for (language, place) in [
            ("en", format!("(Art. 9(2)({letter}) GDPR)")),
            ("de", format!("(Art. 9 Abs. 2 Buchst. {letter} DSGVO)")),
            ("fr", format!("(art. 9, par. 2, point {letter}, du RGPD)")),
        ] {
            let text = text(&privacy_notice(&map, language.parse().unwrap()));
            assert!(text.contains(&place), "{place}");
        }
    }
}

#[test]
fn a_field_is_called_by_its_title_or_else_its_name() {
    let mut map = map();
    let profile = map.categories.get_mut(&Name::new("profile").unwrap()).unwrap();
    profile.fields.get_mut(&Name::new("score").unwrap()).unwrap().title = Some("Points".to_owned());
    let text = text(&privacy_notice(&map, NoticeLanguage::En));
    assert!(text.contains("Profile (name, Points)"), "{text}");
}

#[test]
fn what_the_app_wrote_makes_no_markup() {
    let text = markdown(&privacy_notice(&map(), NoticeLanguage::En));
    assert!(text.starts_with("# How we process your personal data\n\n## Who is responsible\n"));
    assert!(text.contains("- \\<b\\>News\\</b\\>: your consent"));
    assert!(!text.contains("<b>"));
}

#[test]
fn only_at_the_start_of_a_line_can_a_dash_be_markup() {
    let mut notice = privacy_notice(&map(), NoticeLanguage::En);
    notice.sections.clear();
    notice.title = "- a - b".to_owned();
    assert_eq!(markdown(&notice), "# \\- a - b\n");
}

#[test]
fn one_empty_line_stands_before_a_list_and_none_where_there_is_no_list() {
    let text = markdown(&privacy_notice(&map(), NoticeLanguage::En));
    assert!(!text.contains("\n\n\n"));
    let lines: Vec<_> = text.lines().collect();
    let begins = |pair: &&[&str]| pair[1].starts_with("- ") && !pair[0].starts_with("- ");
    let before: Vec<_> = lines.windows(2).filter(begins).map(|pair| pair[0]).collect();
    assert!(!before.is_empty() && before.iter().all(|line| line.is_empty()), "{before:?}");
}

#[test]
fn values_are_not_taken_for_messages() {
    assert_eq!(fill("{}: {}.", &["a{}", "b"]), "a{}: b.");
}
