//! What `wit-bindgen` makes of the WIT package, an interface at a time: a component exports what
//! its policy answers and nothing else. A file that has more than one of these worlds is described
//! by their union.
#![allow(missing_docs, unreachable_pub, clippy::pedantic, reason = "generated")]

pub use retention::oubli::policy::types;

/// Every policy exports this.
pub mod settings {
    wit_bindgen::generate!({
        path: "../wit",
        inline: "package oubli:sdk; world settings-part { export oubli:policy/settings@1.0.0; }",
        pub_export_macro: true,
        export_macro_name: "export_settings",
    });
}

/// The types of all three questions stand here.
pub mod retention {
    wit_bindgen::generate!({
        path: "../wit",
        inline: "package oubli:sdk; world retention-part { export oubli:policy/retention@1.0.0; }",
        pub_export_macro: true,
        export_macro_name: "export_retention",
        with: { "oubli:policy/types@1.0.0": generate },
    });
}

pub mod guard {
    wit_bindgen::generate!({
        path: "../wit",
        inline: "package oubli:sdk; world guard-part { export oubli:policy/guard@1.0.0; }",
        pub_export_macro: true,
        export_macro_name: "export_guard",
        with: { "oubli:policy/types@1.0.0": crate::bindings::types },
    });
}

pub mod audit {
    wit_bindgen::generate!({
        path: "../wit",
        inline: "package oubli:sdk; world audit-part { export oubli:policy/audit@1.0.0; }",
        pub_export_macro: true,
        export_macro_name: "export_audit",
        with: { "oubli:policy/types@1.0.0": crate::bindings::types },
    });
}
