//! What holds withhold from an erasure, in the planner's words.

use oubli_domain::request::{Decider, Keeper, Withhold};
use oubli_domain::{AppId, SubjectId};
use oubli_store::holds::{self, Standing};
use oubli_store::{Conn, Result as StoreResult};

/// What the holds that stand on a person withhold.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn withheld(
    conn: &mut Conn,
    app: &AppId,
    subject: SubjectId,
) -> StoreResult<Vec<Withhold>> {
    let standing = holds::standing(conn, app, subject).await?;
    Ok(standing.into_iter().map(withhold).collect())
}

fn withhold(hold: Standing) -> Withhold {
    let Standing { hold, scope, legal_reference } = hold;
    Withhold {
        category: scope.category,
        record: None,
        fields: scope.field.into_iter().collect(),
        keeper: Keeper {
            decider: Decider::Hold { hold },
            legal_reference: Some(legal_reference),
            until: None,
        },
    }
}
