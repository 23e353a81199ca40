//! The HTTP server over the API.

use std::net::TcpListener;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::{App, HttpServer, middleware, web};
use oubli_api::Api;
use utoipa_actix_web::AppExt;

use crate::telemetry;

/// How long a client may take to send the head of a request.
const HEAD: Duration = Duration::from_secs(10);
/// How long open requests may take to end once the service shuts down, in seconds.
const DRAIN_SECONDS: u64 = 30;

/// Serves the API on a listener that is bound already.
///
/// # Errors
/// When the listener cannot be used.
pub(crate) fn serve(api: Api, listener: TcpListener) -> anyhow::Result<Server> {
    let server = HttpServer::new(move || {
        let (app, _) = App::new()
            .app_data(web::Data::new(api.clone()))
            .into_utoipa_app()
            .configure(oubli_api::routes)
            .split_for_parts();
        app.default_service(web::to(oubli_api::unmatched))
            .wrap(middleware::from_fn(telemetry::observe))
    })
    .listen(listener)?
    .client_request_timeout(HEAD)
    .shutdown_timeout(DRAIN_SECONDS)
    .disable_signals()
    .run();
    Ok(server)
}
