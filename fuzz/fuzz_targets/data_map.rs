//! Data maps, as whole documents and as changes (RFC 7396) of a shop's: one that is accepted is
//! accepted again as the same, differs in nothing from itself, can be put in force and told of, and
//! takes or refuses any record without repeating what stands in it. The first line of the input is
//! the document, each other line a record.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use oubli_domain::data_map::diff::{ChangeKind, diff};
use oubli_domain::data_map::notice::{NoticeLanguage, privacy_notice};
use oubli_domain::data_map::register::register;
use oubli_domain::{CompiledDataMap, DataMap, Time, json};
use serde_json::Value;

/// Stands in seeds as a person's value, and must not come back in a refusal.
const PERSONAL: &str = "lovelace-1815";

static SHOP: LazyLock<(Value, DataMap)> = LazyLock::new(|| {
    let text = include_str!("../seeds/data_map/shop");
    let document = text.lines().next().expect("a line");
    let document = json::parse(document.as_bytes()).expect("JSON");
    let map = DataMap::parse(document.clone()).expect("a data map");
    (document, map)
});

fuzz_target!(|input: &[u8]| {
    let mut lines = input.split(|byte| *byte == b'\n');
    let Some(Ok(document)) = lines.next().map(json::parse) else { return };
    let records: Vec<Value> = lines.filter_map(|line| json::parse(line).ok()).collect();
    let mut changed = SHOP.0.clone();
    json::merge_patch(&mut changed, &document);
    for document in [document, changed] {
        match DataMap::parse(document) {
            Ok(map) => accepted(map, &records),
            Err(refusal) => assert!(!format!("{refusal:?}").contains(PERSONAL)),
        }
    }
});

fn accepted(map: DataMap, records: &[Value]) {
    let document = serde_json::to_value(&map).expect("JSON");
    assert_eq!(DataMap::parse(document.clone()).as_ref(), Ok(&map));
    assert_eq!(DataMap::parse_stored(document), Ok(map.clone()));
    assert!(diff(&map, &map).is_empty());
    both_directions_name_the_same_places(&map);
    assert_eq!(register(&map).activities.len(), map.purposes.len());
    for language in NoticeLanguage::ALL {
        assert!(!privacy_notice(&map, *language).sections.is_empty());
    }
    let told = format!("{map:?}").contains(PERSONAL);
    let map = CompiledDataMap::compile(map).expect("an accepted data map compiles");
    assert!(map.changes_type_of(map.map()).is_empty());
    for body in records {
        takes_or_refuses(&map, body, told);
    }
}

/// What one direction adds, the other takes out.
fn both_directions_name_the_same_places(map: &DataMap) {
    let there = diff(&SHOP.1, map).into_iter().map(|change| (change.pointer, change.kind));
    let back = diff(map, &SHOP.1).into_iter().map(|change| (change.pointer, turned(change.kind)));
    let (mut there, mut back): (Vec<_>, Vec<_>) = (there.collect(), back.collect());
    there.sort_unstable();
    back.sort_unstable();
    assert_eq!(there, back);
}

fn turned(kind: ChangeKind) -> ChangeKind {
    match kind {
        ChangeKind::Added => ChangeKind::Removed,
        ChangeKind::Removed => ChangeKind::Added,
        ChangeKind::Changed => ChangeKind::Changed,
    }
}

/// `told`: whether the data map itself says what stands for a person's value.
fn takes_or_refuses(map: &CompiledDataMap, body: &Value, told: bool) {
    for category in map.map().categories.keys() {
        let checked = map.validate_record(category, body);
        if checked.is_ok() {
            let start = map.clock_start(category, body, Time(0), Time(0));
            assert!(start.is_ok(), "a record that was taken has no clock start");
        }
        assert!(told || !format!("{checked:?}").contains(PERSONAL));
    }
}
