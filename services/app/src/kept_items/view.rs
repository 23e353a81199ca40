//! Listing what is kept, without values.

use oubli_domain::{AppId, HoldId, KeptItemId, RequestId};
use oubli_store::kept_items::{self, Stored};
use oubli_store::{Conn, holds};

use crate::caller::Caller;
use crate::error::Result;
use crate::oubli::Oubli;

/// Which items of an app are listed.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Filter {
    /// Those of one erasure.
    pub request: Option<RequestId>,
    /// Those that one hold keeps.
    pub hold: Option<HoldId>,
}

/// At most `limit` items after `after`, in the order of their ids.
///
/// # Errors
/// `hold-not-found` for a hold that there is not.
pub async fn list(
    oubli: &Oubli,
    caller: &Caller,
    filter: Filter,
    after: Option<KeptItemId>,
    limit: u32,
) -> Result<Vec<Stored>> {
    let mut conn = oubli.data().conn().await?;
    let app = &caller.app;
    let Some(request) = request(&mut conn, app, filter).await? else {
        return Ok(Vec::new());
    };
    let limit = limit.into();
    Ok(match request {
        Of::App => kept_items::list(&mut conn, app, after, limit).await?,
        Of::Request(id) => {
            kept_items::list_of_request(&mut conn, app, id, filter.hold, after, limit).await?
        }
    })
}

/// Whose items are looked at.
enum Of {
    App,
    Request(RequestId),
}

/// None when no item can be meant: a hold keeps items of one erasure, or of none yet.
async fn request(conn: &mut Conn, app: &AppId, filter: Filter) -> Result<Option<Of>> {
    let Some(hold) = filter.hold else {
        return Ok(Some(filter.request.map_or(Of::App, Of::Request)));
    };
    let hold = holds::get(conn, app, hold).await?.ok_or(oubli_domain::Code::HoldNotFound)?;
    let request = hold.request.filter(|of| filter.request.is_none_or(|wanted| wanted == *of));
    Ok(request.map(Of::Request))
}
