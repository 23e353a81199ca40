//! `/v1/apps/{app}/subjects/{subject}/records`: personal data, a JSON document at a time.

mod batch;
mod delete;
mod get;
mod patch;
mod put;
mod read;
mod versions;
pub(crate) mod wire;

use utoipa_actix_web::service_config::ServiceConfig;

pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .service(put::put_record)
        .service(get::get_record)
        .service(patch::patch_record)
        .service(delete::delete_record)
        .service(versions::list_versions)
        .service(batch::put_records)
        .service(read::read_records);
}
