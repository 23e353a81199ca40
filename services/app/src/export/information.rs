//! The information that goes with a copy of a person's data (Art. 15(1) and (2)), from the data map.

use oubli_domain::data_map::{Category, DataMap, Origin, Purpose};
use serde_json::{Value, json};

/// The rights that the person is told of (Art. 15(1)(e) and (f)).
const RIGHTS: [(&str, u8); 6] = [
    ("rectification", 16),
    ("erasure", 17),
    ("restriction of processing", 18),
    ("data portability", 20),
    ("objection", 21),
    ("complaint with a supervisory authority", 77),
];

/// Everything that Art. 15(1)(a) to (h) and (2) ask for, as one document.
pub(super) fn information(map: &DataMap) -> Value {
    let rights: Vec<Value> = RIGHTS
        .iter()
        .map(|(right, article)| json!({ "right": right, "article": article }))
        .collect();
    json!({
        "controller": map.app.controller,
        "representative": map.app.representative,
        "dpo_contact": map.app.dpo_contact,
        "supervisory_authority": map.app.supervisory_authority,
        "purposes": map.purposes.iter().map(|(name, p)| purpose(name.as_str(), p))
            .collect::<Vec<_>>(),
        "categories": map.categories.iter().map(|(name, c)| category(name.as_str(), c))
            .collect::<Vec<_>>(),
        "recipients": map.app.recipients,
        "transfers": map.app.transfers,
        "rights": rights,
    })
}

fn purpose(name: &str, purpose: &Purpose) -> Value {
    json!({
        "purpose": name,
        "title": purpose.title,
        "description": purpose.description,
        "lawful_basis": purpose.lawful_basis,
        "special_ground": purpose.special_ground,
        "may_withdraw_consent": purpose.lawful_basis.as_str() == "consent",
        "direct_marketing": purpose.direct_marketing,
        "automated_decision": purpose.automated_decision,
        "reads": purpose.reads,
    })
}

fn category(name: &str, category: &Category) -> Value {
    let fields: Vec<Value> = category
        .fields
        .iter()
        .map(|(field, declared)| {
            json!({
                "field": field,
                "title": declared.title,
                "kind": declared.classification,
                "kind_title": declared.classification.title(),
                "source": source(&declared.origin),
            })
        })
        .collect();
    json!({
        "category": name,
        "title": category.title,
        "description": category.description,
        "kept_for": category.duration,
        "fields": fields,
    })
}

/// Where a field comes from (Art. 15(1)(g)).
fn source(origin: &Origin) -> Value {
    match origin {
        Origin::Provided => json!("you"),
        Origin::Observed => json!("your use of the service"),
        Origin::Derived => json!("worked out by the controller"),
        Origin::ThirdParty(who) => json!({ "third_party": who }),
    }
}
