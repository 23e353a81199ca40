//! The lines that imports brought, as MACs: what makes a line that comes again recognisable.

use std::collections::HashMap;

use oubli_domain::{AppId, SubjectId};
use uuid::Uuid;

use crate::conn::{Conn, Tx};
use crate::error::{Result, StoreError};
use crate::lists;
use crate::statement::statements;

statements! {
    INSERT = "insert into imported_lines (app_id, line_mac, content_mac, subject_id) values ($1, $2, $3, $4)";
    FIND_MANY = lite "select line_mac, content_mac, subject_id from imported_lines where app_id = $1 and line_mac in (select unhex(value) from json_each($2))"
                pg "select line_mac, content_mac, subject_id from imported_lines where app_id = $1 and line_mac = any(array(select decode(value, 'hex') from jsonb_array_elements_text(cast(cast($2 as text) as jsonb))))";
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

/// Adds a line, in the transaction that applies it. The subject must be new or locked.
///
/// # Errors
/// [`StoreError::Duplicate`] when a line of this id is there.
pub async fn insert(tx: &mut Tx, app: &AppId, new: &ImportedLine) -> Result<()> {
    tx.execute_one(&INSERT, (app, &new.line, &new.content, new.subject)).await
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
