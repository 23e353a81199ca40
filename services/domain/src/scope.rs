//! What a token may do: OAuth scopes of clients, and the roles of staff with the scopes they give.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::problem::{Code, Refusal};

macro_rules! scopes {
    ($($(#[doc = $doc:literal])* $name:ident = $text:literal;)*) => {
        /// One permission. A handler names the one it needs in its signature.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum Scope {
            $($(#[doc = $doc])* $name,)*
        }

        impl Scope {
            /// Every scope.
            pub const ALL: &'static [Scope] = &[$(Scope::$name,)*];

            /// As it stands in a token's `scope` claim.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Scope::$name => $text,)* }
            }

            /// What it lets a caller do, for the OpenAPI document.
            #[must_use]
            pub const fn description(self) -> &'static str {
                match self { $(Scope::$name => concat!($($doc),*).trim_ascii(),)* }
            }
        }
    };
}

scopes! {
    /// Create and delete apps (staff only)
    AppsManage = "apps:manage";
    /// Read apps and their settings
    AppRead = "app:read";
    /// Change the app's settings
    AppWrite = "app:write";
    /// List clients
    ClientsRead = "clients:read";
    /// Create clients, rotate their secrets and revoke them (staff only)
    ClientsWrite = "clients:write";
    /// Read data maps, purposes and notices
    DataMapRead = "data-map:read";
    /// Put data maps and notices
    DataMapWrite = "data-map:write";
    /// Find and list subjects
    SubjectsRead = "subjects:read";
    /// Create subjects and change their identifiers
    SubjectsWrite = "subjects:write";
    /// Read records, for a purpose that holds
    RecordsRead = "records:read";
    /// Put, change and delete records
    RecordsWrite = "records:write";
    /// Check and read consents
    ConsentsRead = "consents:read";
    /// Record consent events
    ConsentsWrite = "consents:write";
    /// Follow requests and read certificates
    RequestsRead = "requests:read";
    /// Make requests and issue download tokens
    RequestsWrite = "requests:write";
    /// Read log events
    AuditRead = "audit:read";
    /// Read staff accounts, their events and sign-ins (staff only)
    StaffRead = "staff:read";
    /// Create, change and disable staff accounts (staff only)
    StaffManage = "staff:manage";
    /// Import lines: subjects, records and consents with their past times
    ImportWrite = "import:write";
    /// List legal holds and what is kept after erasures, without values (staff only)
    HoldsRead = "holds:read";
    /// Set and release legal holds (staff only)
    HoldsWrite = "holds:write";
    /// Read the values that are kept after an erasure, on a ground (staff only)
    KeptItemsRead = "kept-items:read";
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Scope {
    type Err = Refusal;
    fn from_str(text: &str) -> Result<Self, Refusal> {
        Self::ALL
            .iter()
            .copied()
            .find(|scope| scope.as_str() == text)
            .ok_or_else(|| Refusal::new(Code::InvalidBody).detail("There is no such scope."))
    }
}

impl Serialize for Scope {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Scope {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
        text.parse().map_err(|_| serde::de::Error::custom("there is no such scope"))
    }
}

/// A set of scopes, small enough to copy.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Scopes(u32);

impl Scopes {
    /// Every scope that a client may have. Clients are made by staff alone: a client that made
    /// others would go on through them after it was revoked.
    #[must_use]
    pub fn of_clients() -> Self {
        let of_staff = [
            Scope::AppsManage,
            Scope::ClientsWrite,
            Scope::StaffRead,
            Scope::StaffManage,
            Scope::HoldsRead,
            Scope::HoldsWrite,
            Scope::KeptItemsRead,
        ];
        Scope::ALL.iter().copied().filter(|scope| !of_staff.contains(scope)).collect()
    }

    /// Whether `scope` is in the set.
    #[must_use]
    pub fn has(self, scope: Scope) -> bool {
        self.0 & (1 << scope as u32) != 0
    }

    /// Whether every scope of `self` is in `other`.
    #[must_use]
    pub fn within(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }

    /// The scopes in the order of the table.
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL.iter().copied().filter(move |s| self.has(*s))
    }

    /// Reads a space-separated list (RFC 6749, section 3.3).
    ///
    /// # Errors
    /// `invalid-body` when one of them is no scope.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        text.split_ascii_whitespace().map(str::parse).collect()
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().fold(0, |bits, scope| bits | 1 << scope as u32))
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, scope) in self.iter().enumerate() {
            if n > 0 {
                f.write_str(" ")?;
            }
            f.write_str(scope.as_str())?;
        }
        Ok(())
    }
}

/// What a staff user is there for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Runs the service: apps, clients, staff. Sees no personal data.
    Admin,
    /// Data protection officer (Art. 37 to 39): requests, consents, subjects, the log.
    Dpo,
    /// Ships rules and keeps data maps and notices.
    Compliance,
    /// Reads what the law lets an auditor see; changes nothing.
    Auditor,
}

impl Role {
    /// Every role.
    pub const ALL: &'static [Role] = &[Role::Admin, Role::Dpo, Role::Compliance, Role::Auditor];

    /// As stored and as written in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Role::Admin => "admin",
            Role::Dpo => "dpo",
            Role::Compliance => "compliance",
            Role::Auditor => "auditor",
        }
    }

    /// The scopes that the role gives, within every app the user may see.
    #[must_use]
    pub fn scopes(self) -> Scopes {
        use Scope as S;
        let scopes: &[Scope] = match self {
            Role::Admin => &[
                S::AppsManage,
                S::AppRead,
                S::AppWrite,
                S::ClientsRead,
                S::ClientsWrite,
                S::DataMapRead,
                S::DataMapWrite,
                S::AuditRead,
                S::StaffRead,
                S::StaffManage,
            ],
            Role::Dpo => &[
                S::AppRead,
                S::ClientsRead,
                S::DataMapRead,
                S::SubjectsRead,
                S::ConsentsRead,
                S::ConsentsWrite,
                S::RequestsRead,
                S::RequestsWrite,
                S::AuditRead,
                S::HoldsRead,
                S::HoldsWrite,
                S::KeptItemsRead,
            ],
            Role::Compliance => &[
                S::AppRead,
                S::DataMapRead,
                S::DataMapWrite,
                S::ConsentsRead,
                S::RequestsRead,
                S::AuditRead,
                S::HoldsRead,
            ],
            Role::Auditor => &[
                S::AppRead,
                S::ClientsRead,
                S::DataMapRead,
                S::ConsentsRead,
                S::RequestsRead,
                S::AuditRead,
                S::StaffRead,
                S::HoldsRead,
            ],
        };
        scopes.iter().copied().collect()
    }
}

impl FromStr for Role {
    type Err = Refusal;
    fn from_str(text: &str) -> Result<Self, Refusal> {
        Self::ALL
            .iter()
            .copied()
            .find(|role| role.as_str() == text)
            .ok_or_else(|| Refusal::new(Code::InvalidBody).detail("There is no such role."))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::{Role, Scope, Scopes};

    #[test]
    fn scopes_read_back() {
        for scope in Scope::ALL {
            assert_eq!(scope.as_str().parse::<Scope>().unwrap(), *scope);
        }
        let text = "records:read records:write";
        assert_eq!(Scopes::parse(text).unwrap().to_string(), text);
        assert!(Scopes::parse("records:read everything").is_err());
        let twice = Scopes::parse("records:read records:read").unwrap();
        assert_eq!(twice.to_string(), Scope::RecordsRead.to_string());
        for role in Role::ALL {
            assert_eq!(role.as_str().parse::<Role>().unwrap(), *role);
        }
        assert!("owner".parse::<Role>().is_err());
    }

    #[test]
    fn scopes_are_within_others_that_have_them_all() {
        let of = |text| Scopes::parse(text).unwrap();
        let (one, both) = (of("records:read"), of("records:read records:write"));
        assert!(one.within(both) && one.within(one) && Scopes::default().within(one));
        assert!(!both.within(one));
        assert!(!one.within(of("records:write")));
    }

    #[test]
    fn no_client_may_manage_apps_and_no_admin_may_read_records() {
        assert!(Scopes::of_clients().has(Scope::RecordsRead));
        assert!(Role::ALL.iter().all(|role| role.scopes().has(Scope::AppRead)));
        assert!(!Scopes::of_clients().has(Scope::AppsManage));
        assert!(!Scopes::of_clients().has(Scope::ClientsWrite));
        assert!(!Role::Admin.scopes().has(Scope::RecordsRead));
        assert!(Role::Auditor.scopes().iter().all(|s| s.as_str().ends_with(":read")));
    }
}
