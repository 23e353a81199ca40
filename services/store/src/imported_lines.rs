//! The lines that imports brought, as MACs: what makes a line that comes again recognisable.

use std::collections::HashMap;

use oubli_domain::{AppId, SubjectId};
use uuid::Uuid;

use crate::conn::{Conn, Tx};
use crate::error::{Result, StoreError};
use crate::inserts::inserts;
use crate::lists;
use crate::statement::statements;

statements! {
    FIND_MANY [anew] = lite "select line_mac, content_mac, subject_id from imported_lines where app_id = $1 and line_mac in (select unhex(value) from json_each($2))"
                pg "select line_mac, content_mac, subject_id from imported_lines where app_id = $1 and line_mac = any(array(select decode(value, 'hex') from jsonb_array_elements_text(cast(cast($2 as text) as jsonb))))";
}

inserts! {
    INSERT = "imported_lines" (app_id text, line_mac bytea, content_mac bytea, subject_id uuid);
}

/// A line that was imported.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ImportedLine {
    /// MAC of its type and id.
    pub line: [u8; 32],
    /// MAC of its content.
    pub content: [u8; 32],
    /// Whom it is about.
    pub subject: SubjectId,
}

/// Adds lines, in the transaction that applies them. Their subjects must be new or locked.
///
/// # Errors
/// [`StoreError::Duplicate`] when a line of the id of one is there.
pub async fn insert_many(
    tx: &mut Tx,
    app: &AppId,
    new: impl IntoIterator<Item = &ImportedLine>,
) -> Result<()> {
    let rows = new.into_iter().map(|new| (app, &new.line, &new.content, new.subject));
    INSERT.all(tx, rows.collect()).await
}

/// Those of these lines that are there, by the MAC of their id.
///
/// # Errors
/// When the database does not answer.
pub async fn find_many(
    conn: &mut Conn,
    app: &AppId,
    lines: &[[u8; 32]],
) -> Result<HashMap<[u8; 32], ImportedLine>> {
    if lines.is_empty() {
        return Ok(HashMap::new());
    }
    let list = lists::of_bytes(lines.iter().map(<[u8; 32]>::as_slice));
    let rows: Vec<(Vec<u8>, Vec<u8>, Uuid)> = conn.all(&FIND_MANY, (app, list)).await?;
    rows.into_iter()
        .map(|(line, content, subject)| {
            let mac = |bytes: Vec<u8>| {
                <[u8; 32]>::try_from(bytes).map_err(|_| StoreError::Damaged("imported_lines"))
            };
            let line = mac(line)?;
            Ok((line, ImportedLine { line, content: mac(content)?, subject: SubjectId(subject) }))
        })
        .collect()
}
