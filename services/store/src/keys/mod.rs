//! The `keys` database: wrapped keys and blind indexes. All of it is opaque here.

pub mod app_keys;
pub mod blind_indexes;
pub mod service_secrets;
pub mod subject_keys;
