//! `GET /v1/staff/sign-ins`

use actix_web::{HttpResponse, get, web};
use oubli_app::staff::{self, SignInsQuery};
use oubli_domain::{Code, EventId, Time, UserId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::extract::{AnyStaff, Page, PageQuery};
use crate::problem::Answer;
use crate::state::Api;

/// Which sign-ins.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct SignInsParams {
    /// Those of this user only.
    user: Option<String>,
    /// From this time on (RFC 3339).
    from: Option<String>,
    /// Before this time (RFC 3339).
    to: Option<String>,
    /// Where to go on: `next` of the page before. Opaque.
    cursor: Option<String>,
    /// How many items, 1 to 1,000; 100 unless given.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

/// A sign-in that was tried. Network addresses are not kept.
#[derive(Serialize, ToSchema)]
struct SignIn {
    /// Its id.
    #[schema(value_type = String, example = "evt_0192f0c1e7a07c3d8f0b6a5d4c3b2a19")]
    sign_in: EventId,
    /// Who it was; absent for a name that nobody has, which is not kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "usr_0192f0c1e7a07c3d8f0b6a5d4c3b2a19")]
    user: Option<UserId>,
    /// When.
    #[schema(value_type = String, format = DateTime, example = "2026-01-15T12:00:00Z")]
    at: Time,
    /// `ok`, `wrong-password`, `locked`, `disabled` or `unknown-name`.
    #[schema(value_type = String, example = "ok")]
    outcome: &'static str,
    /// How often: more than 1 only for unknown names, counted within a day (UTC) by name, and together
    /// after 1,000 names.
    #[schema(example = 1)]
    tries: i64,
}

impl From<staff::SignIn> for SignIn {
    fn from(tried: staff::SignIn) -> Self {
        let staff::SignIn { id, user, at, outcome, tries } = tried;
        Self { sign_in: id, user, at, outcome: outcome.as_str(), tries }
    }
}

fn time(text: Option<&String>) -> Result<Option<Time>, Code> {
    text.map(|text| text.parse().map_err(|_| Code::InvalidTime)).transpose()
}

/// List sign-ins
///
/// Everybody's for admins and auditors who see every app, one's own for others; oldest first, kept for
/// 12 months.
/// Problems: `invalid-id`, `invalid-time`, `insufficient-scope` for somebody else's.
#[utoipa::path(
    tag = "Staff",
    params(SignInsParams),
    responses((status = 200, description = "A page", body = Page<SignIn>)),
    security(("staff" = [])),
)]
#[get("/v1/staff/sign-ins")]
pub(crate) async fn list_sign_ins(
    api: web::Data<Api>,
    staff: AnyStaff,
    query: web::Query<SignInsParams>,
) -> Answer {
    let params = query.into_inner();
    let page = PageQuery::new(params.cursor, params.limit);
    let limit = page.limit()?;
    let query = SignInsQuery {
        user: params.user.map(|user| user.parse()).transpose()?,
        from: time(params.from.as_ref())?,
        to: time(params.to.as_ref())?,
        after: page.after()?,
        limit,
    };
    let found = staff::sign_ins(&api.oubli, &staff.0, query).await?;
    let items = found.into_iter().map(SignIn::from).collect();
    Ok(HttpResponse::Ok().json(Page::of(items, limit, |item: &SignIn| item.sign_in.to_string())))
}
