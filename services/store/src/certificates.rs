//! Certificates: signed, naming requests and never subjects, kept for ever.

use oubli_domain::{AppId, CertificateId, RequestId, Time};

use uuid::Uuid;

use crate::conn::{Conn, Tx};
use crate::error::Result;
use crate::statement::statements;

statements! {
    INSERT = "insert into certificates (app_id, certificate_id, request_id, kind, jws, created_at) values ($1, $2, $3, $4, $5, $6)";
    NOT_FINAL = "select request_id, jws from certificates c where app_id = $1 and kind = 'erasure' and request_id > $2 and not exists (select 1 from certificates f where f.app_id = $1 and f.request_id = c.request_id and f.kind = 'final') order by request_id limit $3";
    OF_REQUEST = "select jws from certificates where app_id = $1 and request_id = $2 order by certificate_id desc limit 1";
}

/// Adds a certificate.
///
/// # Errors
/// [`crate::StoreError::Duplicate`] when the id is there, or the request has a final certificate
/// and this is another.
pub async fn insert(
    tx: &mut Tx,
    app: &AppId,
    certificate: CertificateId,
    request: RequestId,
    kind: &str,
    jws: &str,
    at: Time,
) -> Result<()> {
    tx.execute_one(&INSERT, (app, certificate, request, kind, jws, at)).await
}

/// The newest certificate of a request, as JWS compact serialisation.
///
/// # Errors
/// When the database does not answer.
pub async fn of_request(
    conn: &mut Conn,
    app: &AppId,
    request: RequestId,
) -> Result<Option<String>> {
    let row: Option<(String,)> = conn.optional(&OF_REQUEST, (app, request)).await?;
    Ok(row.map(|(jws,)| jws))
}

/// At most `limit` certificates of erasures that were not issued again as final, with their requests
/// in order, from the one that follows `after`.
///
/// # Errors
/// When the database does not answer.
pub async fn not_final(
    conn: &mut Conn,
    app: &AppId,
    after: Option<RequestId>,
    limit: i64,
) -> Result<Vec<(RequestId, String)>> {
    let after = after.map_or(Uuid::nil(), |request| request.0);
    let rows: Vec<(Uuid, String)> = conn.all(&NOT_FINAL, (app, after, limit)).await?;
    Ok(rows.into_iter().map(|(request, jws)| (RequestId(request), jws)).collect())
}
