//! `GET /v1/staff/me`

use actix_web::{HttpResponse, get, web};
use oubli_app::staff;

use super::wire::StaffUser;
use crate::extract::AnyStaff;
use crate::problem::Answer;
use crate::state::Api;

/// Who am I
///
/// The account that the token belongs to.
#[utoipa::path(
    tag = "Staff",
    responses((status = 200, description = "The account", body = StaffUser)),
    security(("staff" = [])),
)]
#[get("/v1/staff/me")]
pub(crate) async fn get_me(api: web::Data<Api>, staff: AnyStaff) -> Answer {
    let user = staff::find_user(&api.oubli, &staff.0, staff.0.user).await?;
    Ok(HttpResponse::Ok().json(StaffUser::from(user)))
}
