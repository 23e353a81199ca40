//! The scopes as types, so that a handler's signature says what it needs.

use oubli_domain::scope::Scope;

/// A permission that stands in a signature.
pub(crate) trait Needs: 'static {
    /// The scope it is.
    const SCOPE: Scope;
}

macro_rules! scope_types {
    ($($name:ident)*) => {$(
        #[doc = concat!("Needs [`Scope::", stringify!($name), "`].")]
        pub(crate) enum $name {}
        impl Needs for $name {
            const SCOPE: Scope = Scope::$name;
        }
    )*};
}

scope_types! {
    AppsManage AppRead AppWrite ClientsRead ClientsWrite DataMapRead DataMapWrite SubjectsRead
    SubjectsWrite RecordsRead RecordsWrite ConsentsRead ConsentsWrite RequestsRead RequestsWrite
    AuditRead StaffRead StaffManage ImportWrite HoldsRead HoldsWrite KeptItemsRead
}
