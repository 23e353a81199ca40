//! The one table of errors that a caller can meet, and [`Refusal`], an error of that table with
//! its particulars.
//!
//! Each code is a stable `type` of an RFC 9457 problem document: a caller may branch on it. No
//! text here, or in a refusal, ever repeats what a caller sent.

mod remedy;

use std::borrow::Cow;

use serde::Serialize;

macro_rules! codes {
    ($($(#[doc = $doc:literal])* $name:ident = $status:literal $slug:literal $title:literal;)*) => {
        /// Why a call was refused. The doc comment of each says when it is met.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum Code {
            $($(#[doc = $doc])* $name,)*
        }

        impl Code {
            /// Every code, in the order of the table.
            pub const ALL: &'static [Code] = &[$(Code::$name,)*];

            /// The HTTP status (RFC 9110) that the code is answered with.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self { $(Code::$name => $status,)* }
            }

            /// The last part of the problem type, stable for ever.
            #[must_use]
            pub const fn slug(self) -> &'static str {
                match self { $(Code::$name => $slug,)* }
            }

            /// What a person reads first.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Code::$name => $title,)* }
            }

            /// When it is met: the doc comment of the table, in one line.
            #[must_use]
            pub fn meaning(self) -> String {
                let lines: &[&str] = match self { $(Code::$name => &[$($doc),*],)* };
                lines.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ")
            }
        }
    };
}

codes! {
    // The form of a call.
    /// The body is not JSON, has a member twice, holds NUL, or nests deeper than allowed.
    MalformedJson = 400 "malformed-json" "The body is not acceptable JSON";
    /// A member is missing, unknown, of the wrong type or out of bounds; `errors` says which.
    InvalidBody = 422 "invalid-body" "The body does not have the documented shape";
    /// The body or a part of it is larger than the limit.
    TooLarge = 413 "too-large" "The body is too large";
    /// The path and query are longer than the limit.
    UrlTooLong = 414 "url-too-long" "The URL is too long";
    /// The headers are more, or longer, than the limit.
    HeadersTooLarge = 431 "headers-too-large" "The headers are too large";
    /// The body did not arrive whole within the limit, 30 seconds unless set.
    BodyTimeout = 408 "body-timeout" "The body took too long to arrive";
    /// The `Content-Type` is not the one that the operation takes.
    UnsupportedMediaType = 415 "unsupported-media-type" "The content type is not supported";
    /// An id does not have the form of an id of its kind.
    InvalidId = 422 "invalid-id" "An id does not have the documented form";
    /// A name does not have the form of a name.
    InvalidName = 422 "invalid-name" "A name does not have the documented form";
    /// A time is not RFC 3339, or not between 1970 and 2100.
    InvalidTime = 422 "invalid-time" "A time is not acceptable";
    /// A time that must lie in the past lies in the future.
    FutureTime = 422 "future-time" "The time lies in the future";
    /// A query parameter is unknown or wrong.
    InvalidQuery = 400 "invalid-query" "A query parameter is not acceptable";
    /// A cursor was not given out by this list.
    InvalidCursor = 400 "invalid-cursor" "The cursor is not one that this list gave";
    /// No such path.
    NoSuchPath = 404 "no-such-path" "There is nothing at this path";
    /// The path exists with other methods.
    MethodNotAllowed = 405 "method-not-allowed" "The path does not take this method";

    // Who calls.
    /// No token, or one that is forged, expired, revoked or for another audience.
    Unauthenticated = 401 "unauthenticated" "A valid access token is needed";
    /// The token does not carry the scope that the operation needs.
    InsufficientScope = 403 "insufficient-scope" "The token lacks the scope for this operation";
    /// Wrong name or password; also while an account is locked, so that neither can be told apart.
    LoginFailed = 401 "login-failed" "The name or password is wrong, or the account is locked";
    /// The caller has made more calls than it may for now; `Retry-After` says in how many seconds
    /// the next one is taken.
    RateLimited = 429 "rate-limited" "Too many calls in too short a time";
    /// The current password, given to set another one, is wrong; also while the account is locked.
    WrongPassword = 403 "wrong-password" "The current password is wrong, or the account is locked";
    /// The password is a temporary one: the session is good for setting another and signing out.
    PasswordChangeRequired = 403 "password-change-required" "The password must be changed first";
    /// Too many passwords are being checked at once.
    TooManyLogins = 503 "too-many-logins" "Too many sign-ins are being checked; try again shortly";

    // Not found: also for another app's ids.
    /// No such app, or not one that the caller may see.
    AppNotFound = 404 "app-not-found" "There is no such app";
    /// No staff user of this name.
    UserNotFound = 404 "user-not-found" "There is no such staff user";
    /// No such open session, or another user's.
    SessionNotFound = 404 "session-not-found" "There is no such session";
    /// No such client in this app.
    ClientNotFound = 404 "client-not-found" "There is no such client";
    /// No such subject in this app, or one that was erased.
    SubjectNotFound = 404 "subject-not-found" "There is no such subject";
    /// No such identifier on this subject.
    IdentifierNotFound = 404 "identifier-not-found" "There is no such identifier";
    /// No such record.
    RecordNotFound = 404 "record-not-found" "There is no such record";
    /// No such notice or version of it.
    NoticeNotFound = 404 "notice-not-found" "There is no such notice";
    /// No such version of the data map, or the app has none yet.
    DataMapNotFound = 404 "data-map-not-found" "There is no such data map";
    /// No such consent event of this subject.
    ConsentEventNotFound = 404 "consent-event-not-found" "There is no such consent event";
    /// There are no messages in the language that was asked for; `detail` lists those there are.
    LanguageNotFound = 404 "language-not-found" "There is no notice in this language";
    /// No such purpose in the data map in force, where a path names one.
    PurposeNotFound = 404 "purpose-not-found" "There is no such purpose";
    /// No such request in this app.
    RequestNotFound = 404 "request-not-found" "There is no such request";
    /// No such legal hold in this app.
    HoldNotFound = 404 "hold-not-found" "There is no such hold";
    /// No such kept item in this app, or nothing keeps it any more.
    KeptItemNotFound = 404 "kept-item-not-found" "There is no such kept item";
    /// No deletion of the app was proposed, or it was cancelled.
    DeletionNotFound = 404 "deletion-not-found" "There is no deletion of this app";
    /// The request, or the deletion of the app, has no certificate (yet).
    CertificateNotFound = 404 "certificate-not-found" "There is no certificate";
    /// No such download, or its token is wrong, used up or expired.
    DownloadNotFound = 404 "download-not-found" "There is no such download, or it is used up or expired";

    // Against the data map.
    /// The data map does not hold to its schema or its own references; `errors` says where.
    InvalidDataMap = 422 "invalid-data-map" "The data map is not valid";
    /// The new data map changes the type of a field that is stored.
    StoredFieldType = 409 "stored-field-type" "The data map changes the type of a field that is stored";
    /// The category is not in the data map.
    UnknownCategory = 422 "unknown-category" "The data map has no such category";
    /// The purpose is not in the data map.
    UnknownPurpose = 422 "unknown-purpose" "The data map has no such purpose";
    /// A value does not fit the data map; `errors` says which member.
    InvalidRecord = 422 "invalid-record" "The record does not fit the data map";
    /// An identifier is not a valid e-mail address, phone number or external id.
    InvalidIdentifier = 422 "invalid-identifier" "The identifier is not valid for its type";
    /// The consent event does not fit its purpose: no consent purpose, or an unknown notice version.
    InvalidConsent = 422 "invalid-consent" "The consent event does not fit its purpose";

    /// The purpose has no end for one person: only a contract has (Art. 6(1)(b)).
    PurposeNotContract = 422 "purpose-not-contract" "Only a purpose under contract is ended for a person";

    // Against the state.
    /// The app exists already.
    AppExists = 409 "app-exists" "An app of this name exists";
    /// The deletion of the app was approved; its own endpoints alone answer.
    AppDeleting = 409 "app-deleting" "The app is being deleted";
    /// A deletion of the app was proposed and neither approved nor cancelled.
    DeletionOpen = 409 "deletion-open" "A deletion of the app is proposed already";
    /// The proposal was not approved in time: propose the deletion again.
    DeletionExpired = 409 "deletion-expired" "The proposal to delete the app has expired";
    /// Who proposed the deletion of an app cannot approve it.
    SecondPersonNeeded = 409 "second-person-needed" "Another person must approve this";
    /// The client is revoked, for good.
    ClientRevoked = 409 "client-revoked" "The client is revoked";
    /// The staff user exists already.
    UserExists = 409 "user-exists" "A staff user of this name exists";
    /// Nobody could administer the service any more.
    LastAdmin = 409 "last-admin" "This is the last admin";
    /// Admins change their own password with the current one.
    OwnPasswordReset = 409 "own-password-reset" "An admin cannot reset their own password";
    /// The identifier belongs to another subject of the app.
    IdentifierTaken = 409 "identifier-taken" "The identifier belongs to another subject";
    /// The identifiers of one `:ensure` belong to different subjects.
    IdentifiersDisagree = 409 "identifiers-disagree" "The identifiers belong to different subjects";
    /// The last identifier of a subject created with identifiers may go; a held one may not, nor a
    /// held value, nor an app in which a hold stands.
    Held = 409 "held" "A legal hold keeps this";
    /// The hold was released before.
    HoldReleased = 409 "hold-released" "The hold is released";
    /// The purpose does not hold for this person now (consent, objection, restriction).
    PurposeNotPermitted = 403 "purpose-not-permitted" "The purpose does not hold for this person now";
    /// The erasure of the subject was acknowledged.
    SubjectErasing = 409 "subject-erasing" "The subject is being erased";
    /// The processing of the subject is restricted (Art. 18).
    SubjectRestricted = 423 "subject-restricted" "The processing of this subject's data is restricted";
    /// `If-Match` names another version than the current one.
    VersionMismatch = 412 "version-mismatch" "The record has another version";
    /// The right cannot be served by this operation.
    IllegalTransition = 409 "illegal-transition" "The request is not in a state for this";
    /// The export is not ready to be downloaded.
    ExportNotReady = 409 "export-not-ready" "The export is not ready";

    /// A line of an import brings a record whose place is taken. It is not overwritten.
    RecordExists = 409 "record-exists" "There is a record already, and not from this line";
    /// A line of an import has the id of an earlier line of its type with other content.
    LineReused = 409 "line-reused" "The line's id was used for another line";

    // Repeats.
    /// The `Idempotency-Key` is not 1 to 255 visible ASCII characters.
    InvalidIdempotencyKey = 400 "invalid-idempotency-key" "The Idempotency-Key is not acceptable";
    /// The key was used with another method, path or body.
    IdempotencyKeyReused = 422 "idempotency-key-reused" "The Idempotency-Key was used for another call";
    /// The first call with this key is still being worked on.
    IdempotencyInFlight = 409 "idempotency-in-flight" "A call with this Idempotency-Key is in flight";
    /// A replay of an answer that held a secret: it is shown once.
    SecretAlreadyShown = 409 "secret-already-shown" "The secret was shown once and cannot be shown again";

    // The service.
    /// The service meets a fault of its own; the log has it under the request id.
    Internal = 500 "internal" "The service failed";
    /// A database does not answer or a queue is full: try again after `Retry-After`.
    Unavailable = 503 "unavailable" "The service is not available for now";
    /// This node does as much at once as it may, or holds as many bytes; nothing of the call was done.
    Overloaded = 503 "overloaded" "The service has too much to do for now";
    /// The disk of a database is full: nothing of the call was kept. What needs no entry in the log
    /// is still answered; what is stored, or read on the record, is refused until there is room.
    InsufficientStorage = 507 "insufficient-storage" "The service has no room left to store this";
    /// The disk of a database, or its server, is read-only: nothing of the call was kept. What needs
    /// no entry in the log is still answered.
    ReadOnly = 503 "read-only" "The service cannot write for now";
}

/// One place in a body that is wrong.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct FieldError {
    /// RFC 6901 JSON pointer into the body. Members whose names the caller made up are not named:
    /// the pointer ends at the object that holds them.
    pub pointer: String,
    /// What is wrong there, without the value.
    pub detail: Cow<'static, str>,
}

/// A refused call: the code, and what else may be said without repeating what the caller sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    /// Which error of the table.
    pub code: Code,
    /// One sentence more than the title, where there is one.
    pub detail: Option<Cow<'static, str>>,
    /// The places in the body that are wrong.
    pub errors: Vec<FieldError>,
}

impl Refusal {
    /// A refusal with nothing to add to its title.
    #[must_use]
    pub fn new(code: Code) -> Self {
        Self { code, detail: None, errors: Vec::new() }
    }

    /// Whether the service is at fault, or its database or disk, and not the call.
    #[must_use]
    pub const fn is_of_the_service(&self) -> bool {
        self.code.status() >= 500
    }

    /// Adds a sentence. It must not repeat the caller's input.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<Cow<'static, str>>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Adds a wrong place.
    #[must_use]
    pub fn at(mut self, pointer: impl Into<String>, detail: impl Into<Cow<'static, str>>) -> Self {
        self.errors.push(FieldError { pointer: pointer.into(), detail: detail.into() });
        self
    }

    /// Puts every wrong place below `prefix`, for an item within a batch.
    #[must_use]
    pub fn below(mut self, prefix: &str) -> Self {
        for error in &mut self.errors {
            error.pointer.insert_str(0, prefix);
        }
        self
    }
}

impl From<Code> for Refusal {
    fn from(code: Code) -> Self {
        Self::new(code)
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.code.title())
    }
}

impl std::error::Error for Refusal {}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::{Code, Refusal};

    #[test]
    fn slugs_are_unique_and_statuses_are_errors() {
        let slugs: HashSet<_> = Code::ALL.iter().map(|c| c.slug()).collect();
        assert_eq!(slugs.len(), Code::ALL.len());
        assert!(Code::ALL.iter().all(|c| (400..600).contains(&c.status())));
    }

    #[test]
    fn what_the_service_cannot_do_is_not_held_against_its_caller() {
        let of_the_service = |code| Refusal::new(code).is_of_the_service();
        assert!([Code::Internal, Code::Unavailable].into_iter().all(of_the_service));
        assert!(![Code::InvalidBody, Code::RateLimited].into_iter().any(of_the_service));
    }

    #[test]
    fn a_refusal_says_the_title_of_its_code_and_no_detail() {
        let refusal = Refusal::new(Code::InvalidBody).detail("more").at("/a", "wrong");
        assert_eq!(refusal.to_string(), Code::InvalidBody.title());
    }
}
