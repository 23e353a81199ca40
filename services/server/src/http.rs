//! The HTTP server over the API.

use std::any::Any;
use std::net::TcpListener;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::http::header::CACHE_CONTROL;
use actix_web::rt::net::TcpStream;
use actix_web::{App, HttpServer, middleware, web};
use oubli_api::Api;
use rustix::net::sockopt::set_tcp_user_timeout;
use utoipa_actix_web::AppExt;

use crate::config::http::Limits;
use crate::telemetry;

/// Serves the API on a listener that is bound already, within the limits.
///
/// # Errors
/// When the listener cannot be used.
pub(crate) fn serve(api: Api, listener: TcpListener, limits: &Limits) -> anyhow::Result<Server> {
    let stalled = Duration::from_secs(limits.stalled_seconds);
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
            .wrap(middleware::from_fn(oubli_api::bounded))
            .wrap(middleware::from_fn(oubli_api::tell_rate))
            .wrap(headers)
            .wrap(middleware::from_fn(telemetry::observe))
    })
    .on_connect(move |connection, _| close_when_stalled(connection, stalled))
    .listen(listener)?
    .workers(workers)
    .max_connections((limits.connections / workers).max(1))
    .keep_alive(Duration::from_secs(limits.keep_alive_seconds))
    .client_request_timeout(Duration::from_secs(limits.head_seconds))
    .shutdown_timeout(limits.drain_seconds)
    .disable_signals()
    .run();
    Ok(server)
}

/// Lets the system close a connection whose other end takes nothing more of an answer (RFC 5482).
fn close_when_stalled(connection: &dyn Any, after: Duration) {
    let Some(stream) = connection.downcast_ref::<TcpStream>() else { return };
    let millis = u32::try_from(after.as_millis()).unwrap_or(u32::MAX);
    if let Err(error) = set_tcp_user_timeout(stream, millis) {
        tracing::warn!(%error, "a connection has no bound for an answer that is not read");
    }
}
