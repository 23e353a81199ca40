//! What a thief of the databases would read: their bytes, as they lie in files or tables.
#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use futures_util::{StreamExt as _, pin_mut};
use tokio_postgres::{Client, NoTls};

/// A place and its bytes.
pub type Place = (String, Vec<u8>);

/// Every file below a folder but those that `skip` names.
#[must_use]
pub fn files(folder: &Path, skip: &[&str]) -> Vec<Place> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let wanted = paths.filter(|path| !skip.iter().any(|name| path.ends_with(name)));
    wanted
        .flat_map(|path| {
            if path.is_dir() {
                files(&path, skip)
            } else {
                vec![(path.display().to_string(), fs::read(&path).expect("a file"))]
            }
        })
        .collect()
}

/// Every row of every table of a PostgreSQL database, in the form of `COPY … BINARY`.
pub async fn tables(url: &str) -> Vec<Place> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("a connection");
    tokio::select! {
        tables = copy_all(&client) => tables,
        ended = connection => panic!("the connection ended: {ended:?}"),
    }
}

/// The one text that a query on a PostgreSQL database gives.
pub async fn text(url: &str, query: &str) -> String {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("a connection");
    tokio::select! {
        row = client.query_one(query, &[]) => row.expect("a row").get(0),
        ended = connection => panic!("the connection ended: {ended:?}"),
    }
}

/// Runs a statement on a PostgreSQL database.
pub async fn execute(url: &str, statement: &str) {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("a connection");
    tokio::select! {
        done = client.batch_execute(statement) => done.expect("a statement"),
        ended = connection => panic!("the connection ended: {ended:?}"),
    }
}

async fn copy_all(client: &Client) -> Vec<Place> {
    let names = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1";
    let mut tables = Vec::new();
    for row in client.query(names, &[]).await.expect("the tables") {
        let name: String = row.get(0);
        let copy = format!("COPY \"{name}\" TO STDOUT (FORMAT binary)");
        let chunks = client.copy_out(&copy).await.expect("a copy");
        pin_mut!(chunks);
        let mut bytes = Vec::new();
        while let Some(chunk) = chunks.next().await {
            bytes.extend_from_slice(&chunk.expect("a row"));
        }
        tables.push((name, bytes));
    }
    tables
}

/// The forms in which a text may turn up somewhere: as it is, in other letters, and as URLs, JSON,
/// hex digits and base64 write it.
#[must_use]
pub fn forms(text: &str) -> Vec<String> {
    let mut forms = vec![text.to_owned(), text.to_lowercase(), text.to_uppercase()];
    for plain in [text.to_owned(), text.to_lowercase()] {
        let hex = |bytes: &[u8]| written(bytes.iter(), |b| format!("{b:02x}"));
        forms.push(percent(&plain));
        forms.push(percent(&plain).to_lowercase());
        forms.push(hex(plain.as_bytes()));
        forms.push(hex(plain.as_bytes()).to_uppercase());
        forms.push(escaped(&plain));
        // A debug form writes bytes as a list of numbers.
        forms.push(plain.bytes().map(|b| b.to_string()).collect::<Vec<_>>().join(", "));
        forms.extend((0..3).flat_map(|lead| base64_within(&plain, lead)));
    }
    forms.sort();
    forms.dedup();
    forms
}

/// What `one` writes of each item, without anything between.
fn written<T>(items: impl Iterator<Item = T>, one: impl Fn(T) -> String) -> String {
    items.map(one).collect()
}

fn percent(text: &str) -> String {
    let one = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    };
    written(text.bytes(), one)
}

fn escaped(text: &str) -> String {
    let one = |c: char| match c {
        ' '..='~' => c.to_string(),
        _ => written(c.encode_utf16(&mut [0; 2]).iter(), |unit| format!("\\u{unit:04x}")),
    };
    written(text.chars(), one)
}

/// The characters that stand for the text alone where `lead` bytes come before it.
fn base64_within(text: &str, lead: usize) -> [String; 2] {
    let bytes = [&vec![0; lead][..], text.as_bytes()].concat();
    let (from, to) = ((lead * 8).div_ceil(6), bytes.len() * 8 / 6);
    [STANDARD.encode(&bytes), URL_SAFE.encode(&bytes)].map(|encoded| encoded[from..to].to_owned())
}

/// The places where a text is found in any form, each with the form.
#[must_use]
pub fn find<'p>(text: &str, places: &'p [Place]) -> Vec<(&'p str, String)> {
    let forms = forms(text);
    let found = |bytes: &[u8]| {
        let haystack = String::from_utf8_lossy(bytes);
        forms.iter().find(|form| haystack.contains(form.as_str())).cloned()
    };
    places.iter().filter_map(|(name, bytes)| Some((name.as_str(), found(bytes)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::find;

    #[test]
    fn a_text_is_found_in_each_form() {
        let text = "Žofie 77&canary";
        for lead in ["", "x", "xy"] {
            let hidden = base64::Engine::encode(&super::STANDARD, format!("{lead}{text}yz"));
            assert_eq!(find(text, &[("here".to_owned(), hidden.into_bytes())]).len(), 1, "{lead}");
        }
        for form in [
            "žofie 77&canary",
            "\\u017dofie 77&canary",
            "%C5%BDofie%2077%26canary",
            "c5bd6f6669652037372663616e617279",
        ] {
            let place = format!("before {form} after").into_bytes();
            assert_eq!(find(text, &[("here".to_owned(), place)]).len(), 1, "{form}");
        }
        assert!(find(text, &[("here".to_owned(), b"nothing of it".to_vec())]).is_empty());
    }
}
