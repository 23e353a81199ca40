//! What tables there are, by what an erasure and a shard need of them. The schema tests hold these
//! lists against both engines, so a new table cannot be forgotten here.

use crate::migrate::Schema;

/// The tables whose rows name a subject in `subject_id`, led by an index. An erasure empties
/// them for the person, and its verification counts every one of them.
pub const SUBJECT_TABLES: &[(Schema, &str)] = &[
    (Schema::Data, "claims"),
    (Schema::Data, "consent_events"),
    (Schema::Data, "consent_states"),
    (Schema::Data, "event_payloads"),
    (Schema::Data, "export_chunks"),
    (Schema::Data, "exports"),
    (Schema::Data, "idempotency"),
    (Schema::Data, "identifiers"),
    (Schema::Data, "jobs"),
    (Schema::Data, "record_versions"),
    (Schema::Data, "records"),
    (Schema::Data, "requests"),
    (Schema::Data, "subjects"),
    (Schema::Keys, "blind_indexes"),
    (Schema::Keys, "subject_keys"),
];

/// The tables without a `subject_id`, and why an erasure needs none there.
pub const WITHOUT_SUBJECT: &[(Schema, &str, &str)] = &[
    (Schema::Data, "apps", "a tenant, not a person"),
    (Schema::Data, "certificates", "names the request, whose subject is taken out by the erasure"),
    (Schema::Data, "clients", "programs, not persons"),
    (Schema::Data, "data_maps", "declarations, without data of persons"),
    (Schema::Data, "events", "subject_ref points to nobody once the person's key is gone"),
    (Schema::Data, "notices", "texts shown to everybody"),
    (Schema::Data, "sessions", "staff, who are not subjects of an app"),
    (Schema::Data, "users", "staff, who are not subjects of an app"),
    (Schema::Keys, "app_keys", "keys of an app"),
    (Schema::Keys, "app_secrets", "keys of an app"),
    (Schema::Keys, "service_secrets", "keys of the service"),
];

/// The tables whose primary key does not begin with `app_id`, and why no app owns their rows.
pub const WITHOUT_APP: &[(Schema, &str, &str)] = &[
    (Schema::Data, "sessions", "staff stand apart from apps"),
    (Schema::Data, "users", "staff stand apart from apps"),
    (Schema::Keys, "service_secrets", "secrets of the service itself"),
];
