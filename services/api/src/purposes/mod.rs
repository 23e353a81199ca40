//! `/v1/apps/{app}/purposes`: why the app processes data, as the data map in force says,
//! for whom each purpose holds, and its end for one person.

mod end;
mod get;
mod list;
mod resume;
mod standings;
mod subjects;
mod wire;

use utoipa_actix_web::service_config::ServiceConfig;

pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .service(list::list_purposes)
        .service(get::get_purpose)
        .service(subjects::list_holders)
        .service(standings::list_standings)
        .service(end::end_purpose)
        .service(resume::resume_purpose);
}
