#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use oubli_domain::Day;
use serde_json::json;

use super::{BadOutput, Indexing, Row, read};
use crate::batch::{Batch, Field, Item, ItemFlags, NO_DAY, NO_INDEX};
use crate::chunk::Chunk;
use crate::manifest::{Manifest, Rules};
use crate::verdict::{Finding, Retention, Verdict, Withhold};
use crate::wit::oubli::policy::types::Verdicts;

const TODAY: Day = Day(20_000);

fn rules() -> Rules {
    let manifest = json!({
        "manifest": 1, "name": "a", "version": "1.0.0", "author": "a", "licence": "MIT",
        "interfaces": ["retention"], "settings-schema": true,
        "rules": [
            {"code": "duty", "title": "Duty", "kind": "must-keep"},
            {"code": "limit", "title": "Limit", "kind": "limit"}
        ]
    });
    Manifest::parse(manifest.to_string().as_bytes()).unwrap().rules(&json!({})).unwrap()
}

/// Three items of two fields each. The chunks of the tests leave out the first.
fn batch() -> Batch {
    let mut batch = Batch::new();
    for n in 0..3 {
        let item = Item {
            category: "profile",
            created: Day(n),
            last_contact: None,
            closed: None,
            clock_start: None,
            flags: ItemFlags::default(),
        };
        let field = |name| Field { name, classification: None, empty: false, value: None };
        batch.push(item, [field("phone"), field("street")]);
    }
    batch
}

/// One verdict on the chunk's second item that asks for nothing but the action.
fn verdict(action: u8) -> Verdicts {
    Verdicts {
        index: vec![1],
        action: vec![action],
        rule: vec![0],
        until: vec![NO_DAY],
        field_start: vec![],
        fields: vec![],
        message: vec![NO_INDEX],
        strings: ["duty", "limit", "none", "plain", "\u{1b}[0m"].map(str::to_owned).to_vec(),
    }
}

fn rows(verdicts: &Verdicts, indexing: Indexing) -> Result<Vec<Row>, BadOutput> {
    let batch = batch();
    read(verdicts, &Chunk::of(&batch, 1..3), &rules(), TODAY, indexing)
}

fn first<A>(
    verdicts: &Verdicts,
    indexing: Indexing,
    of: fn(Row) -> Result<Verdict<A>, BadOutput>,
) -> Result<(Option<usize>, A), BadOutput> {
    let row = rows(verdicts, indexing)?.into_iter().next().unwrap();
    Ok((row.item, of(row)?.action))
}

fn retention(verdicts: &Verdicts) -> Result<(Option<usize>, Retention), BadOutput> {
    first(verdicts, Indexing::Once, Row::retention)
}

fn guard(verdicts: &Verdicts) -> Result<(Option<usize>, Withhold), BadOutput> {
    first(verdicts, Indexing::Once, Row::guard)
}

fn audit(verdicts: &Verdicts) -> Result<(Option<usize>, Finding), BadOutput> {
    first(verdicts, Indexing::Findings, Row::audit)
}

fn naming(action: u8, fields: &[u32]) -> Verdicts {
    let field_start = vec![0, u32::try_from(fields.len()).unwrap()];
    Verdicts { field_start, fields: fields.to_vec(), ..verdict(action) }
}

fn until(action: u8, day: i32) -> Verdicts {
    Verdicts { until: vec![day], ..verdict(action) }
}

#[test]
fn each_action_reads_as_its_interface_means_it() {
    // The chunk's second item is the batch's third.
    assert_eq!(retention(&until(1, 20_000)), Ok((Some(2), Retention::Keep { until: TODAY })));
    assert_eq!(retention(&verdict(2)), Ok((Some(2), Retention::Review)));
    let clear = Retention::Clear { fields: vec!["phone".into(), "street".into()] };
    assert_eq!(retention(&naming(3, &[2, 3])), Ok((Some(2), clear)));
    assert_eq!(retention(&verdict(4)), Ok((Some(2), Retention::Erase)));
    let open = Withhold { until: None, fields: vec!["street".into()] };
    assert_eq!(guard(&naming(5, &[3])), Ok((Some(2), open)));
    assert_eq!(audit(&verdict(6)).unwrap().0, Some(2));
    let of_map = Verdicts { index: vec![NO_INDEX], ..verdict(8) };
    assert_eq!(audit(&of_map).unwrap().0, None);
}

#[test]
fn actions_of_other_interfaces_are_refused() {
    for action in [0, 5, 6, 255] {
        assert_eq!(retention(&verdict(action)), Err(BadOutput::Action), "{action}");
    }
    for action in [0, 4, 6] {
        assert_eq!(guard(&verdict(action)), Err(BadOutput::Action), "{action}");
    }
    for action in [0, 5, 9] {
        assert_eq!(audit(&verdict(action)), Err(BadOutput::Action), "{action}");
    }
}

#[test]
fn days_stand_where_they_belong_and_lie_ahead() {
    for day in [NO_DAY, 19_999, 0, -1, 2_932_897, i32::MAX] {
        assert_eq!(retention(&until(1, day)), Err(BadOutput::Until), "{day}");
    }
    assert!(retention(&until(1, 2_932_896)).is_ok());
    for verdicts in
        [until(2, 20_001), until(4, 20_001), Verdicts { until: vec![20_001], ..naming(3, &[2]) }]
    {
        assert_eq!(retention(&verdicts), Err(BadOutput::Until));
    }
    assert_eq!(guard(&until(5, 19_999)), Err(BadOutput::Until));
    assert_eq!(audit(&until(7, 20_001)), Err(BadOutput::Until));
}

#[test]
fn fields_are_the_items_and_stand_where_they_belong() {
    // Of the first item of the chunk, of the next chunk, beyond everything; twice; out of order.
    for fields in [[0, 2].as_slice(), &[1], &[4], &[NO_INDEX], &[2, 2], &[3, 2]] {
        assert_eq!(retention(&naming(3, fields)), Err(BadOutput::Fields), "{fields:?}");
    }
    assert_eq!(retention(&verdict(3)), Err(BadOutput::Fields));
    for verdicts in
        [naming(2, &[2]), naming(4, &[2]), Verdicts { until: vec![20_000], ..naming(1, &[2]) }]
    {
        assert_eq!(retention(&verdicts), Err(BadOutput::Fields));
    }
    let of_map = Verdicts { index: vec![NO_INDEX], ..naming(6, &[2]) };
    assert_eq!(audit(&of_map), Err(BadOutput::Fields));
}

#[test]
fn rules_are_declared_and_only_a_duty_withholds() {
    let citing = |action, rule| Verdicts { rule: vec![rule], ..verdict(action) };
    for rule in [2, 5, NO_INDEX] {
        assert_eq!(retention(&citing(4, rule)), Err(BadOutput::Rule), "{rule}");
    }
    assert!(retention(&citing(4, 1)).is_ok());
    assert_eq!(guard(&citing(5, 1)), Err(BadOutput::Rule));
}

#[test]
fn messages_are_plain_and_short() {
    let saying = |message, text: &str| {
        let mut verdicts = Verdicts { message: vec![message], ..verdict(4) };
        verdicts.strings.push(text.to_owned());
        rows(&verdicts, Indexing::Once).map(|rows| rows[0].message.clone())
    };
    assert_eq!(saying(3, "").unwrap().as_deref(), Some("plain"));
    assert_eq!(saying(5, &"é".repeat(500)).unwrap().map(|text| text.len()), Some(1_000));
    for (message, text) in [(4, ""), (6, ""), (5, "x\u{202e}y"), (5, &"x".repeat(1_001))] {
        assert_eq!(saying(message, text), Err(BadOutput::Message), "{message}");
    }
}

#[test]
fn indexes_rise_and_repeat_only_in_findings() {
    let two = |index: [u32; 2]| Verdicts {
        index: index.to_vec(),
        action: vec![6; 2],
        rule: vec![0; 2],
        until: vec![NO_DAY; 2],
        message: vec![NO_INDEX; 2],
        ..verdict(6)
    };
    let read = |index, indexing| rows(&two(index), indexing).map(|rows| rows.len());
    assert_eq!(read([0, 1], Indexing::Once), Ok(2));
    assert_eq!(read([1, 1], Indexing::Findings), Ok(2));
    assert_eq!(read([1, NO_INDEX], Indexing::Findings), Ok(2));
    for index in [[1, 1], [1, 0], [0, 2]] {
        assert_eq!(read(index, Indexing::Once), Err(BadOutput::Index), "{index:?}");
    }
    for index in [[1, 0], [NO_INDEX, 1], [0, 2]] {
        assert_eq!(read(index, Indexing::Findings), Err(BadOutput::Index), "{index:?}");
    }
    let of_map = Verdicts { index: vec![NO_INDEX], ..verdict(4) };
    assert_eq!(retention(&of_map), Err(BadOutput::Index));
}

#[test]
fn columns_fit_each_other() {
    let wrong = [
        Verdicts { action: vec![], ..verdict(4) },
        Verdicts { rule: vec![0, 0], ..verdict(4) },
        Verdicts { until: vec![], ..verdict(4) },
        Verdicts { message: vec![], ..verdict(4) },
        Verdicts { index: vec![0, 1], ..verdict(4) },
        Verdicts { fields: vec![2], ..verdict(3) },
        Verdicts { field_start: vec![0], ..naming(3, &[2]) },
        Verdicts { field_start: vec![1, 1], ..naming(3, &[2]) },
        Verdicts { field_start: vec![0, 2], ..naming(3, &[2]) },
        Verdicts { field_start: vec![0, 1, 1], ..naming(3, &[2]) },
        Verdicts { field_start: vec![0, 0], ..naming(3, &[2]) },
    ];
    for (n, verdicts) in wrong.iter().enumerate() {
        assert_eq!(retention(verdicts), Err(BadOutput::Columns), "{n}");
    }
}
