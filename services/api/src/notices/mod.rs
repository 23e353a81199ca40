//! `/v1/apps/{app}/notices`: the texts that people are shown when they are asked for consent.

mod get;
mod list;
mod put;
mod version;
mod wire;

use utoipa_actix_web::service_config::ServiceConfig;

pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .service(put::put_notice)
        .service(list::list_notices)
        .service(get::get_notice)
        .service(version::get_notice_version);
}
