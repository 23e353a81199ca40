//! The information that people are given about the processing of their data (Art. 13 and 14), made
//! from the data map in one of the languages whose messages stand here: one file a language, each a
//! table of the same type, so that a message that one of them lacks does not compile. What the app
//! wrote itself, such as titles, comes as it is.

mod de;
mod en;
mod fr;
mod markdown;
mod texts;

#[cfg(test)]
mod tests;

use super::{Category, DataMap, LawfulBasis, Origin, Party, Period, Purpose};
use crate::wire::wire_enum;
use texts::Texts;

pub use markdown::markdown;

wire_enum! {
    /// A language that there are messages in.
    NoticeLanguage, "language" {
        /// German.
        De = "de",
        /// English.
        En = "en",
        /// French.
        Fr = "fr",
    }
}

impl NoticeLanguage {
    const fn texts(self) -> &'static Texts {
        match self {
            Self::De => &de::TEXTS,
            Self::En => &en::TEXTS,
            Self::Fr => &fr::TEXTS,
        }
    }
}

/// A privacy notice.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PrivacyNotice {
    /// Its heading.
    pub title: String,
    /// Its sections.
    pub sections: Vec<Section>,
}

/// A part of a notice.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Section {
    /// Its heading.
    pub heading: String,
    /// Where the law asks for it.
    pub article: &'static str,
    /// Its paragraphs, in plain text.
    pub paragraphs: Vec<String>,
    /// The items of its list, in plain text.
    pub items: Vec<String>,
}

/// The notice that a data map gives in a language.
#[must_use]
pub fn privacy_notice(map: &DataMap, language: NoticeLanguage) -> PrivacyNotice {
    let texts = language.texts();
    let writer = Writer { map, texts };
    let sections = [
        writer.controller(),
        writer.purposes(),
        writer.sources(),
        writer.recipients(),
        writer.transfers(),
        writer.time_limits(),
        writer.rights(),
        writer.withdrawal(),
        writer.complaint(),
        writer.decisions(),
    ];
    let sections = sections.into_iter().filter(|s| !s.paragraphs.is_empty() || !s.items.is_empty());
    PrivacyNotice { title: texts.title.to_owned(), sections: sections.collect() }
}

/// Puts `values` in the place of the `{}` of a message, in their order.
fn fill(message: &str, values: &[&str]) -> String {
    let mut parts = message.split("{}");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for (value, part) in values.iter().zip(parts) {
        text.push_str(value);
        text.push_str(part);
    }
    text
}

fn section(heading: &str, article: &'static str) -> Section {
    let heading = heading.to_owned();
    Section { heading, article, paragraphs: Vec::new(), items: Vec::new() }
}

fn contact(party: &Party) -> String {
    let Party { name, address, email, phone, website } = party;
    let more = [address, email, phone, website].into_iter().flatten();
    std::iter::once(name).chain(more).map(String::as_str).collect::<Vec<_>>().join(", ")
}

struct Writer<'m> {
    map: &'m DataMap,
    texts: &'static Texts,
}

impl Writer<'_> {
    fn controller(&self) -> Section {
        let (app, t) = (&self.map.app, self.texts);
        let mut section = section(t.controller_heading, "13(1)(a), (b), 14(1)(a), (b)");
        section.paragraphs.push(fill(t.controller, &[&contact(&app.controller)]));
        let others = [(t.representative, &app.representative), (t.dpo, &app.dpo_contact)];
        for (text, party) in others {
            section.paragraphs.extend(party.iter().map(|party| fill(text, &[&contact(party)])));
        }
        section
    }

    fn purposes(&self) -> Section {
        let t = self.texts;
        let mut section = section(t.purposes_heading, "13(1)(c), (d), 14(1)(c), (d), (2)(b)");
        section.items = self.map.purposes.values().map(|p| self.purpose(p)).collect();
        section
    }

    fn purpose(&self, purpose: &Purpose) -> String {
        let t = self.texts;
        let mut text = fill(t.purpose, &[&purpose.title, t.basis(purpose.lawful_basis)]);
        let mut add = |more: &str| {
            text.push(' ');
            text.push_str(more);
        };
        purpose.description.iter().for_each(|description| add(description));
        if let Some(ground) = purpose.special_ground {
            add(&fill(t.special_ground, &[t.ground(ground)]));
        }
        if let Some(law) = &purpose.criminal_data_law {
            add(&fill(t.criminal_data, &[law]));
        }
        if purpose.direct_marketing {
            add(t.direct_marketing);
        }
        if let Some(validity) = purpose.consent_validity {
            add(&fill(t.consent_validity, &[&self.period(validity)]));
        }
        add(&fill(t.reads, &[&self.data_of(purpose)]));
        text
    }

    /// The titles of what a purpose reads.
    fn data_of(&self, purpose: &Purpose) -> String {
        let categories = purpose.reads.iter().filter_map(|(name, reads)| {
            let category = self.map.category(name)?;
            let fields = self.map.resolve(name, reads);
            if self.map.is_built_in(name) {
                let titles: Vec<&str> =
                    fields.iter().map(|kind| self.texts.identifier(kind)).collect();
                return Some(format!("{} ({})", self.texts.identifiers, titles.join(", ")));
            }
            let titles: Vec<&str> =
                fields.iter().map(|field| title(category, field.as_str())).collect();
            Some(format!("{} ({})", category.title, titles.join(", ")))
        });
        categories.collect::<Vec<_>>().join("; ")
    }

    fn sources(&self) -> Section {
        let t = self.texts;
        let mut section = section(t.sources_heading, "14(1)(d), (2)(f)");
        for category in self.map.categories.values() {
            for (name, field) in &category.fields {
                let source = self.source(&field.origin);
                let titles = [category.title.as_str(), title(category, name.as_str()), &source];
                section.items.push(fill(t.source, &titles));
            }
        }
        for (name, field) in self.map.identifiers_read() {
            let titles = [t.identifiers, t.identifier(name), &self.source(&field.origin)];
            section.items.push(fill(t.source, &titles));
        }
        section
    }

    fn source(&self, origin: &Origin) -> String {
        let t = self.texts;
        match origin {
            Origin::Provided => t.provided.to_owned(),
            Origin::Observed => t.observed.to_owned(),
            Origin::Derived => t.derived.to_owned(),
            Origin::ThirdParty(who) => fill(t.third_party, &[who]),
        }
    }

    fn recipients(&self) -> Section {
        let (app, t) = (&self.map.app, self.texts);
        let mut section = section(t.recipients_heading, "13(1)(e), 14(1)(e)");
        section.items = app.recipients.iter().map(|r| r.title.clone()).collect();
        let none = app.recipients.is_empty().then(|| t.no_recipients.to_owned());
        section.paragraphs.extend(none);
        section
    }

    fn transfers(&self) -> Section {
        let (app, t) = (&self.map.app, self.texts);
        let mut section = section(t.transfers_heading, "13(1)(f), 14(1)(f)");
        for transfer in &app.transfers {
            let known =
                app.recipients.iter().find(|r| Some(&r.name) == transfer.recipient.as_ref());
            let to = known.map_or(transfer.country.clone(), |recipient| {
                format!("{} ({})", recipient.title, transfer.country)
            });
            section.items.push(fill(t.transfer, &[&to, &transfer.safeguard]));
        }
        let none = app.transfers.is_empty().then(|| t.no_transfers.to_owned());
        section.paragraphs.extend(none);
        section
    }

    fn time_limits(&self) -> Section {
        let t = self.texts;
        let mut section = section(t.time_limits_heading, "13(2)(a), 14(2)(a)");
        for category in self.map.categories.values() {
            let text = match category.duration {
                Some(period) => fill(t.kept_for, &[&category.title, &self.period(period)]),
                None => fill(t.kept_as_needed, &[&category.title]),
            };
            section.items.push(text);
        }
        if !self.map.identifiers_read().is_empty() {
            section.items.push(fill(t.kept_with_person, &[t.identifiers]));
        }
        section
    }

    fn rights(&self) -> Section {
        let t = self.texts;
        let mut section = section(t.rights_heading, "13(2)(b), 14(2)(c), 15-22");
        section.paragraphs.push(t.rights.to_owned());
        section.items = t.rights_list.iter().map(|&right| right.to_owned()).collect();
        section
    }

    fn withdrawal(&self) -> Section {
        let t = self.texts;
        let mut section = section(t.withdrawal_heading, "7(3), 13(2)(c), 14(2)(d)");
        let mut purposes = self.map.purposes.values();
        if purposes.any(|p| p.lawful_basis == LawfulBasis::Consent) {
            section.paragraphs.push(t.withdrawal.to_owned());
        }
        section
    }

    fn complaint(&self) -> Section {
        let (app, t) = (&self.map.app, self.texts);
        let mut section = section(t.complaint_heading, "13(2)(d), 14(2)(e), 77");
        section.paragraphs.push(match &app.supervisory_authority {
            Some(authority) => fill(t.complaint_to, &[&contact(authority)]),
            None => t.complaint.to_owned(),
        });
        section
    }

    fn decisions(&self) -> Section {
        let t = self.texts;
        let mut section = section(t.decisions_heading, "13(2)(f), 14(2)(g), 22");
        for purpose in self.map.purposes.values() {
            if let Some(decision) = &purpose.automated_decision {
                section.items.push(fill(t.decision, &[&purpose.title, &decision.logic]));
            }
        }
        let none = section.items.is_empty().then(|| t.no_decisions.to_owned());
        section.paragraphs.extend(none);
        section
    }

    fn period(&self, period: Period) -> String {
        let parts = period.parts().into_iter().zip(self.texts.units);
        let words = parts
            .filter(|(n, _)| *n > 0)
            .map(|(n, (one, many))| format!("{n} {}", if n == 1 { one } else { many }));
        words.collect::<Vec<_>>().join(", ")
    }
}

/// What the app calls a field: its title, or its name.
fn title<'c>(category: &'c Category, field: &'c str) -> &'c str {
    let named = category.fields.iter().find(|(name, _)| name.as_str() == field);
    named.and_then(|(_, declared)| declared.title.as_deref()).unwrap_or(field)
}
