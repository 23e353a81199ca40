//! `/v1/apps/{app}/clients`: the programs that call for an app.

mod create;
mod get;
mod list;
mod revoke;
mod rotate;
mod wire;

use utoipa_actix_web::service_config::ServiceConfig;

pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .service(create::create_client)
        .service(list::list_clients)
        .service(get::get_client)
        .service(revoke::revoke_client)
        .service(rotate::rotate_secret);
}
