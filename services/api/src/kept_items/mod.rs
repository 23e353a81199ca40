//! `/v1/apps/{app}/kept-items`: what duties and holds keep of records of people who were erased.

mod list;
mod read;
pub(crate) mod wire;

use utoipa_actix_web::service_config::ServiceConfig;

pub(crate) fn routes(config: &mut ServiceConfig) {
    config.service(list::list_kept_items).service(read::read_kept_item);
}
