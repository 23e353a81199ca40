//! `/v1/apps/{app}/import`: what an app knew before, with its past times.

mod lines;
mod schema;

use utoipa_actix_web::service_config::ServiceConfig;

pub(crate) fn routes(config: &mut ServiceConfig) {
    config.service(lines::import_lines).service(schema::get_import_line_schema);
}
