//! The tables that no person and no app owns, each with its reason. The schema tests hold these
//! lists, and those of [`crate::erasure`], against both engines: a new table cannot be forgotten.

use crate::migrate::Schema;

/// The tables without a `subject_id`, and why an erasure needs none there.
pub const WITHOUT_SUBJECT: &[(Schema, &str, &str)] = &[
    (Schema::Data, "app_deletions", "staff by id, who are not subjects of an app"),
    (Schema::Data, "apps", "a tenant, not a person"),
    (Schema::Data, "certificates", "names the request, whose subject is taken out by the erasure"),
    (Schema::Data, "clients", "programs, not persons"),
    (Schema::Data, "data_maps", "declarations, without data of persons"),
    (Schema::Data, "events", "subject_ref points to nobody once the person's key is gone"),
    (
        Schema::Data,
        "kept_items",
        "names the request; what a duty keeps, without a link to the person",
    ),
    (Schema::Data, "notices", "texts shown to everybody"),
    (Schema::Data, "sessions", "staff, who are not subjects of an app"),
    (Schema::Data, "sign_ins", "staff, who are not subjects of an app"),
    (Schema::Data, "staff_events", "staff, who are not subjects of an app"),
    (Schema::Data, "users", "staff, who are not subjects of an app"),
    (Schema::Keys, "app_keys", "keys of an app"),
    (Schema::Keys, "app_secrets", "keys of an app"),
    (Schema::Keys, "kept_keys", "keys of kept items, which name no person"),
    (Schema::Keys, "key_sets", "keys of an app"),
    (Schema::Keys, "key_work", "what the service does with its keys"),
    (Schema::Keys, "retired_epochs", "keys of an app"),
    (Schema::Keys, "retired_log_keys", "public keys of an app"),
    (Schema::Keys, "root_floor", "keys of the service"),
    (Schema::Keys, "service_secrets", "keys of the service"),
];

/// The tables in which a row of a deleted app stays, and why. [`crate::app_tables`] deletes from all
/// others that have an `app_id`.
pub const KEPT_OF_APP: &[(Schema, &str, &str)] = &[
    (Schema::Data, "app_deletions", "who deleted the app, the counts and the certificate"),
    (Schema::Data, "apps", "the name, so that nobody takes it for another app's"),
    (Schema::Keys, "retired_log_keys", "what the app signed can be checked for ever"),
];

/// The tables whose primary key does not begin with `app_id`, and why no app owns their rows.
pub const WITHOUT_APP: &[(Schema, &str, &str)] = &[
    (Schema::Data, "sessions", "staff stand apart from apps"),
    (Schema::Data, "sign_ins", "staff stand apart from apps"),
    (Schema::Data, "staff_events", "staff stand apart from apps"),
    (Schema::Data, "users", "staff stand apart from apps"),
    (Schema::Keys, "key_work", "what the service does with its keys"),
    (Schema::Keys, "root_floor", "the root key is no app's"),
    (Schema::Keys, "service_secrets", "secrets of the service itself"),
];
