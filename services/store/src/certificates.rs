//! Certificates and their supplements: signed, naming requests and never subjects, kept for ever.

use oubli_domain::{AppId, CertificateId, RequestId, Time};

use uuid::Uuid;

use crate::conn::{Conn, Tx};
use crate::error::Result;
use crate::statement::statements;

statements! {
    INSERT = "insert into certificates (app_id, certificate_id, request_id, kind, jws, created_at) values ($1, $2, $3, $4, $5, $6)";
    NOT_FINAL = "select request_id, jws from certificates c where app_id = $1 and kind = 'erasure' and request_id > $2 and not exists (select 1 from certificates f where f.app_id = $1 and f.request_id = c.request_id and f.kind = 'final') order by request_id limit $3";
    SUPPLEMENTS = "select certificate_id, jws, created_at from certificates where app_id = $1 and request_id = $2 and kind = 'supplement' and certificate_id > $3 order by certificate_id limit $4";
    ERASURE_OF = "select certificate_id from certificates where app_id = $1 and request_id = $2 and kind = 'erasure'";
    OF_REQUEST = "select jws from certificates where app_id = $1 and request_id = $2 and kind <> 'supplement' order by certificate_id desc limit 1";
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

/// At most `limit` supplements to the certificate of a request after `after`, oldest first: id, JWS
/// and time of issue.
///
/// # Errors
/// When the database does not answer.
pub async fn supplements(
    conn: &mut Conn,
    app: &AppId,
    request: RequestId,
    after: Option<CertificateId>,
    limit: i64,
) -> Result<Vec<(CertificateId, String, Time)>> {
    let after = after.map_or(Uuid::nil(), |id| id.0);
    let rows: Vec<(Uuid, String, i64)> =
        conn.all(&SUPPLEMENTS, (app, request, after, limit)).await?;
    let read = |(id, jws, at)| (CertificateId(id), jws, Time(at));
    Ok(rows.into_iter().map(read).collect())
}

/// The id of the first certificate of an erasure; none before there is one.
///
/// # Errors
/// When the database does not answer.
pub async fn erasure_of(
    conn: &mut Conn,
    app: &AppId,
    request: RequestId,
) -> Result<Option<CertificateId>> {
    let row: Option<(Uuid,)> = conn.optional(&ERASURE_OF, (app, request)).await?;
    Ok(row.map(|(id,)| CertificateId(id)))
}

/// The newest certificate of a request, as JWS compact serialisation, without its supplements.
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
