//! The shop of the demo: 200 invented people, what it declares about their data, and what it asks
//! them to consent to. Everything is made from the lists below, the same in every run. Nobody is
//! real: e-mail addresses are in reserved domains (RFC 2606), phone numbers in a range that the
//! French numbering plan sets aside for fiction (06 39 98).

use serde_json::{Value, json};

/// How many people there are.
pub(super) const PEOPLE: usize = 200;
/// The one whom the story is about.
pub(super) const HEROINE: usize = 77;
/// Another one, who stays.
pub(super) const NEIGHBOUR: usize = 78;

const FIRST: [&str; 20] = [
    "Anouk", "Bastien", "Clea", "Davor", "Elske", "Finn", "Gwenn", "Hedda", "Ilyas", "Jorun",
    "Kasimir", "Liv", "Matteo", "Nadia", "Odran", "Petra", "Quentin", "Mila", "Soren", "Tamsin",
];
const LAST: [&str; 10] = [
    "Alderbank",
    "Brookwell",
    "Castellane",
    "Harrow",
    "Ekdahl",
    "Fennimore",
    "Gravesande",
    "Hollister",
    "Iverness",
    "Jorgensen",
];
const STREETS: [&str; 7] = [
    "rue des Lanternes",
    "quai du Papier",
    "rue de l'Encre",
    "allee des Plumes",
    "place du Vieux Moulin",
    "rue du Relieur",
    "chemin des Tilleuls",
];
const CITIES: [(&str, &str); 4] = [
    ("Valmont-sur-Orne", "99001"),
    ("Port-Sainte-Claire", "99002"),
    ("Beaurivage", "99003"),
    ("Montclair-le-Haut", "99004"),
];
const GOODS: [(&str, u32); 6] = [
    ("fountain pen", 3_900),
    ("bottle of blue ink", 1_250),
    ("notebook, squared", 890),
    ("paper lantern", 2_400),
    ("box of envelopes", 680),
    ("wax seal", 1_520),
];

/// A customer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Person(usize);

/// All customers.
pub(super) fn people() -> impl Iterator<Item = Person> {
    (0..PEOPLE).map(Person)
}

impl Person {
    pub(super) fn at(number: usize) -> Self {
        Self(number % PEOPLE)
    }

    pub(super) fn first_name(self) -> &'static str {
        FIRST[self.0 % FIRST.len()]
    }

    pub(super) fn name(self) -> String {
        format!("{} {}", self.first_name(), LAST[self.0 / FIRST.len() % LAST.len()])
    }

    pub(super) fn email(self) -> String {
        let domain = if self.0.is_multiple_of(3) { "example.net" } else { "example.org" };
        format!("{}@{domain}", self.name().to_lowercase().replace(' ', "."))
    }

    fn phone(self) -> String {
        format!("+33 6 39 98 {:02} {:02}", 10 + self.0 / 100, self.0 % 100)
    }

    /// As the API takes it to create the subject.
    pub(super) fn identifiers(self) -> Value {
        json!({ "identifiers": [
            { "type": "email", "value": self.email() },
            { "type": "phone", "value": self.phone() },
        ] })
    }

    pub(super) fn profile(self) -> Value {
        let (city, postcode) = CITIES[self.0 % CITIES.len()];
        json!({
            "name": self.name(),
            "email": self.email(),
            "phone": self.phone(),
            "address": {
                "street": format!("{} {}", 1 + self.0 % 90, STREETS[self.0 % STREETS.len()]),
                "postcode": postcode,
                "city": city,
            },
            "favourite": GOODS[self.0 % GOODS.len()].0,
        })
    }

    /// An order of one or two goods.
    fn order(self) -> Value {
        let goods = [GOODS[self.0 % GOODS.len()], GOODS[(self.0 / 7 + 2) % GOODS.len()]];
        let items: Vec<Value> = goods
            .iter()
            .take(1 + self.0 % 2)
            .map(|(title, cents)| json!({ "title": title, "cents": cents }))
            .collect();
        json!({ "placed": self.day(), "items": items, "state": "delivered" })
    }

    fn invoice(self) -> Value {
        json!({
            "issued": self.day(),
            "number": format!("2026-{:04}", 1_000 + self.0),
            "cents": GOODS[self.0 % GOODS.len()].1,
            "billed_to": self.name(),
        })
    }

    fn day(self) -> String {
        format!("2026-{:02}-{:02}", 1 + self.0 % 9, 1 + self.0 % 28)
    }

    /// The records beside the profile, as items of a batch. The person is named by e-mail address.
    pub(super) fn further_records(self) -> [Value; 2] {
        let item = |category, record, body| {
            let email = json!({ "type": "email", "value": self.email() });
            json!({ "identifier": email, "category": category, "record": record, "body": body })
        };
        [item("order", "o1", self.order()), item("invoice", "i1", self.invoice())]
    }

    /// The profile as an item of a batch.
    pub(super) fn profile_item(self) -> Value {
        let email = json!({ "type": "email", "value": self.email() });
        json!({
            "identifier": email, "category": "profile", "record": "main", "body": self.profile(),
        })
    }

    /// What the person said about the newsletter, as an item of a batch.
    pub(super) fn consent_item(self) -> Value {
        let email = json!({ "type": "email", "value": self.email() });
        let action = if self.0 % 5 < 3 { "granted" } else { "refused" };
        json!({
            "identifier": email, "purpose": "newsletter", "action": action, "notice_version": 1,
            "language": "en",
        })
    }
}

/// The notice under which people consent to the newsletter.
pub(super) fn notice() -> Value {
    json!({ "texts": {
        "en": "May we e-mail you our news once a month? You can stop it at any time.",
        "fr": "Pouvons-nous vous envoyer nos nouvelles une fois par mois ?",
    } })
}

fn field(schema: &Value, classification: &str, origin: &str) -> Value {
    json!({ "schema": schema, "classification": classification, "origin": origin })
}

fn text(most: u32, classification: &str, origin: &str) -> Value {
    field(&json!({ "type": "string", "maxLength": most }), classification, origin)
}

fn required(mut field: Value) -> Value {
    field["required"] = true.into();
    field
}

fn categories() -> Value {
    let date = json!({ "type": "string", "format": "date" });
    let cents = json!({ "type": "integer", "minimum": 0 });
    let address = json!({ "type": "object", "additionalProperties": { "type": "string" } });
    let items = json!({ "type": "array", "maxItems": 50, "items": { "type": "object" } });
    json!({
        "profile": {
            "title": "Customer profile",
            "clock_start": { "from": "last_contact" },
            "duration": "P3Y",
            "fields": {
                "name": required(text(120, "name", "provided")),
                "email": text(254, "email_address", "provided"),
                "phone": text(40, "phone_number", "provided"),
                "address": field(&address, "physical_address", "provided"),
                "favourite": text(80, "interest", "derived"),
            },
        },
        "order": {
            "title": "Orders",
            "clock_start": { "from": "created" },
            "duration": "P2Y",
            "fields": {
                "placed": field(&date, "transaction", "observed"),
                "items": field(&items, "transaction", "observed"),
                "state": text(20, "transaction", "observed"),
            },
        },
        "invoice": {
            "title": "Invoices",
            "clock_start": { "from": "field", "field": "issued", "end_of": "calendar_year" },
            "duration": "P10Y",
            "fields": {
                "issued": required(field(&date, "financial", "observed")),
                "number": text(20, "financial", "observed"),
                "cents": field(&cents, "financial", "observed"),
                "billed_to": text(120, "name", "provided"),
            },
        },
    })
}

fn purposes() -> Value {
    json!({
        "newsletter": {
            "title": "The monthly newsletter",
            "lawful_basis": "consent",
            "notice": "newsletter",
            "direct_marketing": true,
            "consent_validity": "P2Y",
            "reads": { "profile": ["name", "email"] },
        },
        "order_fulfilment": {
            "title": "Packing and sending what was ordered",
            "lawful_basis": "contract",
            "reads": { "profile": ["name", "address", "phone"], "order": ["*"] },
        },
        "accounts": {
            "title": "Keeping the books",
            "lawful_basis": "legal_obligation",
            "reads": { "invoice": ["*"] },
        },
    })
}

/// What the shop declares: its categories, their fields, and why it reads them.
pub(super) fn data_map() -> Value {
    json!({
        "categories": categories(),
        "purposes": purposes(),
        "app": {
            "controller": {
                "name": "The Paper Lantern", "email": "privacy@paper-lantern.example",
            },
            "subject_kinds": ["customers"],
            "recipients": [
                { "name": "carrier", "title": "Parcels by Bicycle", "country": "FR" },
            ],
            "time_zone": "Europe/Paris",
            "country": "FR",
        },
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{HEROINE, NEIGHBOUR, PEOPLE, Person, people};

    #[test]
    fn everybody_is_somebody_else_and_nobody_is_real() {
        let names: BTreeSet<_> = people().map(Person::name).collect();
        let emails: BTreeSet<_> = people().map(Person::email).collect();
        let phones: BTreeSet<_> = people().map(Person::phone).collect();
        assert_eq!((names.len(), emails.len(), phones.len()), (PEOPLE, PEOPLE, PEOPLE));
        let reserved = |e: &String| e.ends_with("@example.org") || e.ends_with("@example.net");
        assert!(emails.iter().all(reserved));
        assert!(phones.iter().all(|phone| phone.starts_with("+33 6 39 98 ")));
    }

    #[test]
    fn the_story_is_about_mila_who_has_a_neighbour() {
        assert_eq!(Person::at(HEROINE).name(), "Mila Harrow");
        assert_ne!(Person::at(NEIGHBOUR).email(), Person::at(HEROINE).email());
    }
}
