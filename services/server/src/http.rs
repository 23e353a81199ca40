//! The HTTP server over the API.

use std::net::TcpListener;
use std::time::Duration;

use actix_web::body::MessageBody;
use actix_web::dev::{Server, ServiceRequest, ServiceResponse};
use actix_web::http::header::CACHE_CONTROL;
use actix_web::middleware::Next;
use actix_web::{App, HttpServer, middleware, web};
use oubli_api::Api;
use utoipa_actix_web::AppExt;

use crate::config::http::Limits;
use crate::telemetry;

/// How long open requests may take to end once the service shuts down, in seconds.
const DRAIN_SECONDS: u64 = 30;

/// Serves the API on a listener that is bound already, within the limits.
///
/// # Errors
/// When the listener cannot be used.
pub(crate) fn serve(api: Api, listener: TcpListener, limits: &Limits) -> anyhow::Result<Server> {
    let workers = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let server = HttpServer::new(move || {
        let (app, _) = App::new()
            .app_data(web::Data::new(api.clone()))
            .into_utoipa_app()
            .configure(oubli_api::routes)
            .split_for_parts();
        // An answer may hold personal data, and an error is as old as the next call.
        let headers = middleware::DefaultHeaders::new().add((CACHE_CONTROL, "no-store"));
        app.default_service(web::to(oubli_api::unmatched))
            .wrap(middleware::from_fn(bounded))
            .wrap(middleware::from_fn(oubli_api::tell_rate))
            .wrap(headers)
            .wrap(middleware::from_fn(telemetry::observe))
    })
    .listen(listener)?
    .workers(workers)
    .max_connections((limits.connections / workers).max(1))
    .keep_alive(Duration::from_secs(limits.keep_alive_seconds))
    .client_request_timeout(Duration::from_secs(limits.head_seconds))
    .shutdown_timeout(DRAIN_SECONDS)
    .disable_signals()
    .run();
    Ok(server)
}

/// Refuses heads that are over a bound before anything reads them.
async fn bounded(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    if let Some(api) = request.app_data::<web::Data<Api>>() {
        oubli_api::bounded_head(request.request(), &api.limits)?;
    }
    next.call(request).await
}
