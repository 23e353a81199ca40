//! Lists as one parameter, so that one statement asks for many rows: a JSON array as text, which
//! SQLite opens by `json_each` and PostgreSQL by `jsonb_array_elements_text`. Bytes stand in it as
//! hex digits.

use std::fmt::Write as _;

/// A JSON array of byte strings, each as lower-case hex digits.
pub(crate) fn of_bytes<'b>(items: impl IntoIterator<Item = &'b [u8]>) -> String {
    let mut text = String::from("[");
    for (n, item) in items.into_iter().enumerate() {
        text.push_str(if n == 0 { "\"" } else { ",\"" });
        for byte in item {
            // Writing to a String cannot fail.
            let _infallible = write!(text, "{byte:02x}");
        }
        text.push('"');
    }
    text.push(']');
    text
}

/// A JSON array of names: their form needs no escapes.
pub(crate) fn of_names<'n>(items: impl IntoIterator<Item = &'n oubli_domain::Name>) -> String {
    let quoted: Vec<String> = items.into_iter().map(|name| format!("\"{name}\"")).collect();
    format!("[{}]", quoted.join(","))
}

/// A JSON array of record ids: their form needs no escapes either.
pub(crate) fn of_record_ids<'r>(
    items: impl IntoIterator<Item = &'r oubli_domain::RecordId>,
) -> String {
    let quoted: Vec<String> = items.into_iter().map(|id| format!("\"{id}\"")).collect();
    format!("[{}]", quoted.join(","))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use oubli_domain::Name;

    use super::{of_bytes, of_names};

    #[test]
    fn lists_are_json() {
        assert_eq!(of_bytes([]), "[]");
        assert_eq!(of_bytes([&[0u8, 255][..], &[1][..]]), r#"["00ff","01"]"#);
        let names = ["a", "b_2"].map(|name| Name::new(name).unwrap());
        assert_eq!(of_names(&names), r#"["a","b_2"]"#);
    }
}
