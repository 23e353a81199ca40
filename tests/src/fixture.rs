//! What the tests declare: a small shop.

use serde_json::{Value, json};

/// The data map of a small shop: a profile and invoices; a newsletter under consent, deliveries
/// under contract, accounts as a legal obligation.
#[must_use]
pub fn data_map() -> Value {
    let text = |classification: &str| {
        json!({
            "schema": { "type": ["string", "null"], "maxLength": 200 },
            "classification": classification, "origin": "provided",
        })
    };
    json!({
        "app": {
            "controller": { "name": "A small shop", "email": "privacy@shop.example" },
            "dpo_contact": { "name": "The DPO", "email": "dpo@shop.example" },
            "subject_kinds": ["customers"],
            "recipients": [{ "name": "carrier", "title": "The carrier", "country": "FR" }],
            "security_measures": ["Encryption under a key of each person's own"],
            "time_zone": "Europe/Paris", "country": "FR",
        },
        "categories": {
            "profile": {
                "title": "Profile", "clock_start": { "from": "last_contact" }, "duration": "P3Y",
                "fields": {
                    "name": text("name"), "email": text("email_address"), "phone": text("phone_number"),
                    "address": text("physical_address"), "city": text("physical_address"),
                    "country": text("physical_address"),
                },
            },
            "invoice": {
                "title": "Invoices", "clock_start": { "from": "field", "field": "date" },
                "duration": "P10Y",
                "fields": {
                    "date": {
                        "schema": { "type": "string", "format": "date" },
                        "classification": "transaction", "origin": "observed", "required": true,
                    },
                    "total": {
                        "schema": { "type": "number", "minimum": 0 },
                        "classification": "transaction", "origin": "observed",
                    },
                    "address": text("physical_address"),
                },
            },
        },
        "purposes": {
            "newsletter": {
                "title": "Newsletter", "lawful_basis": "consent", "notice": "newsletter",
                "reads": { "profile": ["name", "email"] }, "direct_marketing": true,
            },
            "delivery": {
                "title": "Delivery", "lawful_basis": "contract",
                "reads": { "profile": ["name", "address", "city", "country"], "invoice": ["address"] },
            },
            "accounts": {
                "title": "Accounts", "lawful_basis": "legal_obligation",
                "reads": { "invoice": ["*"] },
            },
        },
    })
}

/// A JSON value with members of another set over it, at any depth.
#[must_use]
pub fn merge(mut value: Value, over: &Value) -> Value {
    oubli_domain::json::merge_patch(&mut value, over);
    value
}
