//! Ids. Those that the service issues are UUIDs (version 7, RFC 9562) written `prefix_` + 32 hex
//! digits; those that people choose are short names. None of them may carry personal data.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::clock::Time;
use crate::problem::{Code, Refusal};

/// A fresh UUID version 7: its first 48 bits are the time in milliseconds, so that new rows land
/// together in an index; the rest is random.
fn fresh(now: Time) -> Uuid {
    let millis = u64::try_from(now.0 / 1_000).unwrap_or(0);
    let mut random = [0u8; 10];
    // The operating system's generator fails only before it is seeded at boot.
    if getrandom::fill(&mut random).is_err() {
        std::process::abort();
    }
    uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
}

macro_rules! issued_ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub Uuid);

        impl $name {
            /// What the text form starts with.
            pub const PREFIX: &'static str = $prefix;

            /// A new id, unlike any other.
            #[must_use]
            pub fn fresh(now: Time) -> Self {
                Self(fresh(now))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "_{}"), self.0.simple())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = Refusal;
            /// Reads the one form that `Display` writes: 32 lower-case hex digits after the prefix.
            fn from_str(text: &str) -> Result<Self, Refusal> {
                text.strip_prefix(concat!($prefix, "_"))
                    .filter(|hex| hex.len() == 32 && !hex.bytes().any(|b| b.is_ascii_uppercase()))
                    .and_then(|hex| Uuid::try_parse(hex).ok())
                    .map(Self)
                    .ok_or_else(|| Refusal::new(Code::InvalidId))
            }
        }

        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
                text.parse().map_err(|_| serde::de::Error::custom(
                    concat!("not an id of the form ", $prefix, "_ and 32 hex digits")))
            }
        }
    )*};
}

issued_ids! {
    /// A data subject of one app.
    SubjectId = "sub";
    /// One identifier (e-mail, phone, external id) of a subject.
    IdentifierId = "idn";
    /// The claim that ties a row in `keys` to one in `data` while a subject is created.
    ClaimId = "clm";
    /// A log event.
    EventId = "evt";
    /// A data subject request.
    RequestId = "req";
    /// An export bundle.
    ExportId = "exp";
    /// A certificate.
    CertificateId = "crt";
    /// A job of the queue.
    JobId = "job";
    /// A staff user.
    UserId = "usr";
    /// A staff user's signed-in session.
    SessionId = "ses";
    /// A legal hold.
    HoldId = "hld";
    /// What a duty or hold keeps of a record after an erasure.
    KeptItemId = "kpt";
}

macro_rules! chosen_names {
    ($($(#[$doc:meta])* $name:ident, $code:ident, $rule:literal, $valid:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Checks the form of a name.
            ///
            /// # Errors
            #[doc = concat!("A refusal unless the name is ", $rule, ".")]
            pub fn new(text: impl Into<String>) -> Result<Self, Refusal> {
                let text = text.into();
                let valid: fn(&str) -> bool = $valid;
                if valid(&text) { Ok(Self(text)) } else { Err(Refusal::new(Code::$code)) }
            }

            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = Refusal;
            fn from_str(text: &str) -> Result<Self, Refusal> {
                Self::new(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = Refusal;
            fn try_from(text: String) -> Result<Self, Refusal> {
                Self::new(text)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                Self::new(String::deserialize(d)?)
                    .map_err(|_| serde::de::Error::custom(concat!("must be ", $rule)))
            }
        }
    )*};
}

fn is_name(text: &str, separator: u8) -> bool {
    let bytes = text.as_bytes();
    (1..=63).contains(&bytes.len())
        && bytes[0].is_ascii_lowercase()
        && bytes.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == separator)
}

chosen_names! {
    /// An app (tenant), as it stands in every path: a slug that its admin chooses once.
    AppId, InvalidName, "a lower-case letter, then up to 62 lower-case letters, digits or `-`",
        |text| is_name(text, b'-');
    /// A category, field, purpose, notice or recipient of a data map.
    Name, InvalidName, "a lower-case letter, then up to 62 lower-case letters, digits or `_`",
        |text| is_name(text, b'_');
    /// A record within its subject and category, chosen by the caller.
    RecordId, InvalidId, "1 to 64 characters of A-Z, a-z, 0-9, `_` and `-`",
        |text| (1..=64).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    /// An OAuth client: its app, a dot, and 32 hex digits. The app stands in it so that a token
    /// request, which names only the client, finds its row within one app.
    ClientId, InvalidId, "an app, a dot and 32 hex digits",
        |text| text.split_once('.').is_some_and(|(app, hex)| is_name(app, b'-')
            && hex.len() == 32
            && hex.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)));
}

impl EventId {
    /// A bound: the ids of events from the millisecond of `at` on sort after it, earlier ones before.
    #[must_use]
    pub fn bound(at: Time) -> Self {
        let millis = u64::try_from(at.0 / 1_000).unwrap_or(0);
        Self(uuid::Builder::from_unix_timestamp_millis(millis, &[0; 10]).into_uuid())
    }
}

impl ClientId {
    /// A new client of an app.
    #[must_use]
    pub fn fresh(app: &AppId, now: Time) -> Self {
        Self(format!("{app}.{}", fresh(now).simple()))
    }

    /// The app that the client belongs to.
    #[must_use]
    pub fn app(&self) -> AppId {
        AppId(self.0.split('.').next().unwrap_or_default().to_owned())
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::{AppId, ClientId, EventId, Name, RecordId, RequestId, SubjectId};
    use crate::clock::Time;

    #[test]
    fn issued_ids_read_back_and_refuse_other_forms() {
        let id = SubjectId::fresh(Time(1_700_000_000_000_000));
        assert_eq!(id.to_string().parse::<SubjectId>().unwrap(), id);
        assert!(id.to_string().parse::<RequestId>().is_err());
        assert!(id.to_string().to_uppercase().parse::<SubjectId>().is_err());
        assert!("sub_1".parse::<SubjectId>().is_err());
    }

    #[test]
    fn later_ids_sort_later() {
        let early = SubjectId::fresh(Time(1_700_000_000_000_000));
        let late = SubjectId::fresh(Time(1_700_000_001_000_000));
        assert!(early < late);
    }

    #[test]
    fn events_lie_after_the_bound_of_their_time() {
        let (at, later) = (Time(1_700_000_000_000_000), Time(1_700_000_000_001_000));
        let event = EventId::fresh(at);
        assert!(EventId::bound(at) < event && event < EventId::bound(later));
    }

    #[test]
    fn names_are_bounded() {
        assert!(AppId::new("my-shop2").is_ok());
        assert!(Name::new("order_line").is_ok());
        for bad in ["", "A", "1a", "a b", "a.b", "é", &"a".repeat(64)] {
            assert!(AppId::new(bad).is_err(), "{bad}");
            assert!(Name::new(bad).is_err(), "{bad}");
        }
        assert!(RecordId::new("A-z_09").is_ok());
        assert!(RecordId::new("a/b").is_err());
        assert!(RecordId::new("a".repeat(65)).is_err());
    }

    #[test]
    fn a_client_id_names_its_app() {
        let app = AppId::new("shop").unwrap();
        let id = ClientId::fresh(&app, Time(0));
        assert_eq!(id.app(), app);
        assert_eq!(ClientId::new(id.as_str()).unwrap(), id);
        assert!(ClientId::new("shop.12").is_err());
    }
}
