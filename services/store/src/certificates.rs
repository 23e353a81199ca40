//! Certificates: signed, naming requests and never subjects, kept for ever.

use oubli_domain::{AppId, CertificateId, RequestId, Time};

use crate::conn::{Conn, Tx};
use crate::error::Result;
use crate::statement::statements;

statements! {
    INSERT = "insert into certificates (app_id, certificate_id, request_id, kind, jws, created_at) values ($1, $2, $3, $4, $5, $6)";
    OF_REQUEST = "select jws from certificates where app_id = $1 and request_id = $2 order by certificate_id desc limit 1";
}

/// Adds a certificate.
///
/// # Errors
/// [`crate::StoreError::Duplicate`] when the id is there.
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
