//! What holds forbid, decided in the transaction of the write that would lose something.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use oubli_domain::hold::Lost;
use oubli_domain::{AppId, Code, Name, Refusal, SubjectId};
use oubli_store::holds::{self, Standing};
use oubli_store::subjects::Subject;
use oubli_store::{Conn, Result as StoreResult};

/// The holds on the subjects of one transaction, each subject's read when it is first asked for.
#[derive(Default)]
pub(crate) struct Guard(HashMap<SubjectId, Vec<Standing>>);

impl Guard {
    /// Whether a write to a record of `category` may take away what it does. The subject is locked, so
    /// that no hold comes between; where none stands, nothing is read.
    ///
    /// # Errors
    /// When the database does not answer; the refusal `held` stands in the result.
    pub(crate) async fn check(
        &mut self,
        conn: &mut Conn,
        app: &AppId,
        subject: &Subject,
        category: &Name,
        lost: &Lost,
    ) -> StoreResult<Result<(), Refusal>> {
        if !subject.held || lost.is_nothing() {
            return Ok(Ok(()));
        }
        let standing = self.of(conn, app, subject.subject).await?;
        let held = standing.iter().any(|hold| hold.scope.forbids(category, lost));
        Ok(if held { Err(Code::Held.into()) } else { Ok(()) })
    }

    async fn of(
        &mut self,
        conn: &mut Conn,
        app: &AppId,
        subject: SubjectId,
    ) -> StoreResult<&[Standing]> {
        Ok(match self.0.entry(subject) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(holds::standing(conn, app, subject).await?),
        })
    }
}

/// Refuses to take an identifier from a subject on whom, as a whole, a hold stands.
///
/// # Errors
/// `held`.
pub(crate) async fn require_none(
    conn: &mut Conn,
    app: &AppId,
    subject: &Subject,
) -> StoreResult<()> {
    if !subject.held {
        return Ok(());
    }
    let standing = holds::standing(conn, app, subject.subject).await?;
    if standing.iter().any(|hold| hold.scope.is_everything()) {
        return Err(Refusal::new(Code::Held).into());
    }
    Ok(())
}
