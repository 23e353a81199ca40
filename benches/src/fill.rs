//! Filling a store by `oubli import`, and the files that the load scripts read.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::ops::Range;
use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::engine::Site;
use crate::results::{Import, mebibytes};
use crate::service::{APP, Credentials, Oubli};

/// The length of a record of 1 KiB, as JSON text.
const RECORD: usize = 1_024;

/// Which people are imported: each with an e-mail address, a consent, a record of 1 KiB and some
/// small records.
#[derive(Clone, Debug)]
pub(crate) struct People {
    numbers: Range<u32>,
    invoices: u32,
}

impl People {
    /// The first `count` people of a shop, with 5 records each.
    pub(crate) fn of_shop(count: u32) -> Self {
        Self { numbers: 0..count, invoices: 4 }
    }

    /// People by their numbers, with the record of 1 KiB alone.
    pub(crate) fn with_one_record(numbers: Range<u32>) -> Self {
        Self { numbers, invoices: 0 }
    }

    /// A person with very many records.
    pub(crate) fn with_many_records(number: u32, records: u32) -> Self {
        Self { numbers: number..number + 1, invoices: records - 1 }
    }
}

/// Imports people into a store whose service does not run.
///
/// # Errors
/// When the import fails or rejects a line.
pub(crate) fn import(oubli: &Oubli<'_>, site: &Site, people: &People) -> anyhow::Result<Import> {
    let file = site.file("people.ndjson");
    write_people(&file, people)?;
    let mut command = oubli.command(&["import", "--app", APP]);
    command.arg(&file).stdout(Stdio::null());
    let ended = site.process(&mut command, "import.log")?.wait()?;
    std::fs::remove_file(&file)?;
    let subjects = people.numbers.end - people.numbers.start;
    Ok(Import {
        subjects,
        records: subjects * (people.invoices + 1),
        seconds: ended.time.as_secs_f64(),
        peak_mib: mebibytes(ended.peak),
    })
}

/// Writes the lines of people for `oubli import`.
fn write_people(file: &Path, people: &People) -> std::io::Result<()> {
    let mut output = BufWriter::new(File::create(file)?);
    let profile = profile();
    for number in people.numbers.clone() {
        let id = format!("p{number:07}");
        let email = json!([{ "type": "email", "value": email(number) }]);
        let subject = json!({ "type": "subject", "id": id, "identifiers": email });
        let consent = json!({
            "type": "consent", "id": format!("{id}/c"), "subject": id, "purpose": "newsletter",
            "action": "granted", "notice_version": 1, "language": "en",
            "occurred_at": "2026-02-01T09:30:00Z",
        });
        writeln!(output, "{subject}\n{}\n{consent}", record(&id, "profile", "main", &profile))?;
        for invoice in 0..people.invoices {
            let body =
                json!({ "date": "2026-02-01", "total": 39.5, "address": "3 quai du Papier" });
            writeln!(output, "{}", record(&id, "invoice", &format!("i{invoice}"), &body))?;
        }
    }
    output.flush()
}

/// The e-mail address of a person; `load/lookup.lua` makes the same.
pub(crate) fn email(number: u32) -> String {
    format!("p{number:07}@example.org")
}

fn record(person: &str, category: &str, name: &str, body: &Value) -> Value {
    json!({
        "type": "record", "id": format!("{person}/{category}/{name}"), "subject": person,
        "category": category, "record": name, "body": body,
    })
}

/// A record of [`RECORD`] bytes.
fn profile() -> Value {
    let of = |notes: &str| {
        json!({
            "name": "Mila Ekdahl", "email": "mila.ekdahl@example.org", "phone": "+33 1 99 00 12 34",
            "address": "3 quai du Papier", "city": "Valmont", "country": "FR", "notes": notes,
        })
    };
    let missing = RECORD.saturating_sub(of("").to_string().len());
    of(&"Parcels go to the neighbour. ".chars().cycle().take(missing).collect::<String>())
}

/// Writes what the load scripts read: ids, blind indexes, a record, the form of a token's request.
pub(crate) async fn write_lists(site: &Site, client: &Credentials) -> anyhow::Result<()> {
    let subjects = site.subjects().await?;
    let lines = subjects.iter().map(|id| format!("sub_{}\n", id.simple()));
    std::fs::write(site.file("subjects"), lines.collect::<String>())?;
    let mut indexes = String::new();
    for index in site.indexes().await? {
        for byte in index {
            write!(indexes, "{byte:02x}")?;
        }
        indexes.push('\n');
    }
    std::fs::write(site.file("indexes"), indexes)?;
    std::fs::write(site.file("record.json"), profile().to_string())?;
    std::fs::write(site.file("token-form"), client.form())?;
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_record_has_the_length_that_is_told() {
        assert_eq!(super::profile().to_string().len(), super::RECORD);
    }
}
