//! Keys and what is done with them: the key tree (root key, app keys, data keys), envelope
//! encryption, blind indexes, root-key providers, chunked encryption of bundles, message
//! authentication, signatures and the hashing of passwords.
//!
//! This crate owns every secret's life in memory: keys are overwritten on drop and their `Debug`
//! shows nothing. It must not know SQL, HTTP or async code: it takes bytes and gives bytes, and
//! callers store them. Times come in as arguments; environment variables are read by the caller.

pub mod aead;
pub mod blind_index;
pub mod chunked;
pub mod envelope;
mod error;
mod framing;
pub mod key_tree;
pub mod mac;
pub mod password;
pub mod root;
mod secret;
pub mod service_secret;
pub mod signing;
pub mod token;

pub use blind_index::IndexKey;
pub use chunked::{BundleKey, CHUNK_BYTES, ChunkOpener, ChunkSealer};
pub use envelope::{FieldContext, Label};
pub use error::VaultError;
pub use key_tree::{AppKey, DataKey, DataKeyName, KeyOwner};
pub use mac::{MacKey, SecretToken};
pub use password::{hash_password, verify_dummy, verify_password};
pub use root::{EnvironmentProvider, FileProvider, PassphraseProvider, RootKeyProvider};
pub use secret::random_bytes;
pub use service_secret::{WrappedKey, open_service_secret, seal_service_secret};
pub use signing::{PublicJwk, SigningKey, VerifyingKey};
pub use token::{TokenError, verify_access_token};
