//! What a caller does about a problem: a text of its own where the title does not say it, and one
//! by status for the others.

use super::Code;

impl Code {
    /// What to do about it, for the developer of a caller.
    #[must_use]
    pub const fn remedy(self) -> &'static str {
        match self.own_remedy() {
            Some(own) => own,
            None => by_status(self.status()),
        }
    }

    const fn own_remedy(self) -> Option<&'static str> {
        Some(match self {
            Self::InsufficientScope => {
                "Use a client that was given the scope, or ask for it when you get the token. The \
                 reference names the scope of each operation."
            }
            Self::LoginFailed => {
                "Check the name and the password. After ten failures in a row, wait 15 minutes."
            }
            Self::RateLimited => {
                "Wait for as many seconds as `Retry-After` says, then call again. Spread calls out, \
                 and use the batch operations for many items."
            }
            Self::PurposeNotPermitted => {
                "Do not process the data for this purpose. Ask the person for consent if the purpose \
                 rests on it; do not use another purpose to get around this."
            }
            Self::SubjectErasing => {
                "Stop writing about this person and forget the id: soon it will not be found."
            }
            Self::SubjectRestricted => {
                "Store nothing more and process nothing until the restriction is lifted (Art. 18)."
            }
            Self::Held => "Ask whoever set the hold. It must be released before this can go.",
            Self::IdempotencyInFlight => {
                "Wait a moment and repeat the call with the same key: the first answer comes then."
            }
            Self::IdempotencyKeyReused => "Use a new key for each call that differs.",
            Self::SecretAlreadyShown => {
                "If the secret was lost, rotate it; a download token is issued again."
            }
            Self::ExportNotReady => "Ask for the request again until its export is ready.",
            Self::DownloadNotFound => "Issue a new download of the request.",
            Self::TooLarge => "Send less at once; `detail` names the limit.",
            Self::InvalidCursor => "Begin again without a cursor.",
            Self::IdentifierTaken => {
                "Look the person up by this identifier, or use `:ensure`, which finds or creates."
            }
            Self::MethodNotAllowed => "Use one of the methods that the `Allow` header names.",
            Self::InsufficientStorage => {
                "Tell those who run the service; calls are taken again as soon as its disk has room. \
                 Nothing of the call was kept: repeat it then, with the same Idempotency-Key."
            }
            Self::ReadOnly => {
                "Tell those who run the service; calls are taken again as soon as its database can be \
                 written. Nothing of the call was kept: repeat it then, with the same \
                 Idempotency-Key."
            }
            Self::StoredFieldType => {
                "Declare a new field beside the stored one, or delete the stored values first."
            }
            _ => return None,
        })
    }
}

const fn by_status(status: u16) -> &'static str {
    match status {
        401 => "Get a new access token and call again with it.",
        404 => {
            "Check the id and that it belongs to the app of the path. What was erased is not found \
             either."
        }
        408 => "Send the body again, without pauses.",
        409 => "Read what is there now, and decide whether the call is still wanted.",
        412 => "Read again for the current version, decide again, and send that version.",
        415 => "Send the content type that the reference names for the operation.",
        423 => "Wait until the lock is lifted.",
        500 => "Report the `x-request-id` of the answer to those who run the service.",
        503 => "Wait for as many seconds as `Retry-After` says, then call again.",
        _ => {
            "Correct the call as `detail` and `errors` say; sent again as it is, it will be refused \
             again."
        }
    }
}
