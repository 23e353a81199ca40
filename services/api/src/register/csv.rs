//! The register as CSV (RFC 4180): one row for each activity, and one for what is processed on the
//! controller's behalf. Lists within a cell are divided by `; `.

use std::borrow::Cow;

use oubli_domain::data_map::register::{Activity, ActivityData, OnBehalf, Register};
use oubli_domain::data_map::{Party, Transfer};

/// The header row. A letter is the one of Art. 30(1) that asks for the column.
const HEADER: [&str; 13] = [
    "record_of",
    "controller (a)",
    "representative (a)",
    "data_protection_officer (a)",
    "purpose",
    "title (b)",
    "lawful_basis",
    "subject_kinds (c)",
    "data_categories (c)",
    "recipients (d)",
    "transfers (e)",
    "time_limits (f)",
    "security_measures (g)",
];

/// The register as CSV in UTF-8.
pub(super) fn write(register: &Register) -> Result<Vec<u8>, csv::Error> {
    let mut rows = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(vec![]);
    rows.write_record(HEADER)?;
    for activity in &register.activities {
        rows.write_record(
            of_controller(register, activity).iter().map(|c| harmless(c).into_owned()),
        )?;
    }
    let on_behalf = of_processor(&register.on_behalf);
    rows.write_record(on_behalf.iter().map(|cell| harmless(cell).into_owned()))?;
    rows.into_inner().map_err(|error| csv::Error::from(error.into_error()))
}

fn of_controller(register: &Register, activity: &Activity) -> [String; 13] {
    let limit = |data: &ActivityData| {
        let kept = match data.kept_for {
            Some(period) => period.to_string(),
            None if data.built_in => "as long as the person is stored".to_owned(),
            None => "not declared".to_owned(),
        };
        format!("{}: {kept}", data.title)
    };
    let kinds = |data: &ActivityData| {
        let kinds: Vec<&str> = data.kinds.iter().map(|kind| kind.title()).collect();
        format!("{} ({})", data.title, kinds.join(", "))
    };
    [
        "controller".to_owned(),
        contact(Some(&register.controller)),
        contact(register.representative.as_ref()),
        contact(register.dpo_contact.as_ref()),
        activity.purpose.to_string(),
        activity.title.clone(),
        activity.lawful_basis.to_string(),
        activity.subject_kinds.join("; "),
        join(&activity.data, kinds),
        activity.recipients.join("; "),
        join(&activity.transfers, transfer),
        join(&activity.data, limit),
        activity.security_measures.join("; "),
    ]
}

fn of_processor(on_behalf: &OnBehalf) -> [String; 13] {
    let mut row: [String; 13] = Default::default();
    "processor".clone_into(&mut row[0]);
    row[1] = contact(Some(&on_behalf.controller));
    row[2] = contact(on_behalf.representative.as_ref());
    row[5] = on_behalf.processing.join("; ");
    row[10] = join(&on_behalf.transfers, transfer);
    row[12] = on_behalf.security_measures.join("; ");
    row
}

fn contact(party: Option<&Party>) -> String {
    let Some(Party { name, address, email, phone, website }) = party else { return String::new() };
    let more = [address, email, phone, website].into_iter().flatten();
    std::iter::once(name).chain(more).map(String::as_str).collect::<Vec<_>>().join(", ")
}

fn transfer(transfer: &Transfer) -> String {
    format!("{}: {}", transfer.country, transfer.safeguard)
}

fn join<T>(items: &[T], text: impl Fn(&T) -> String) -> String {
    items.iter().map(text).collect::<Vec<_>>().join("; ")
}

/// A cell that no spreadsheet takes for a formula (CWE-1236): it begins with an apostrophe where it
/// would begin with what begins one.
fn harmless(cell: &str) -> Cow<'_, str> {
    if cell.trim_start().starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠'])
        || cell.starts_with(['\t', '\r', '\n'])
    {
        Cow::Owned(format!("'{cell}"))
    } else {
        Cow::Borrowed(cell)
    }
}

#[cfg(test)]
mod tests {
    use super::harmless;

    #[test]
    fn no_cell_begins_a_formula() {
        for cell in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "＝1"] {
            assert_eq!(harmless(cell), format!("'{cell}"));
        }
        for cell in ["", "Shop, 1 - 2", "a=b"] {
            assert_eq!(harmless(cell), cell);
        }
    }
}
