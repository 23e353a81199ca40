//! [`VaultError`]: what can go wrong with keys and ciphertexts.

use std::io;

/// Why a key could not be had or a ciphertext not be opened. No text holds a key or a plaintext.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// There is no root-key file where one was expected.
    #[error("the root key file does not exist")]
    RootKeyMissing,
    /// A root key was to be made where there is one.
    #[error("a root key file exists already; it was left as it is")]
    RootKeyExists,
    /// The root-key file is there and cannot be read.
    #[error("the root key file cannot be read")]
    RootKeyUnreadable(#[source] io::Error),
    /// The root-key file or its directory cannot be written.
    #[error("the root key file cannot be written")]
    RootKeyUnwritable(#[source] io::Error),
    /// People other than the owner can get at the file.
    #[error("the root key file has mode {mode:03o}; only its owner may read it (600 or 400)")]
    RootKeyPermissions {
        /// The lowest nine mode bits that were found.
        mode: u32,
    },
    /// People other than the owner can get at the directory of the file.
    #[error(
        "the directory of the root key has mode {mode:03o}; it must be its owner's alone (700)"
    )]
    RootDirectoryPermissions {
        /// The lowest nine mode bits that were found.
        mode: u32,
    },
    /// An entry is not what the documented format says: cut short, not base64, not 32 bytes,
    /// a version twice or out of order.
    #[error("entry {entry} of the root key is malformed")]
    RootKeyMalformed {
        /// Which entry, from 1: the line of a file, the item of a list.
        entry: usize,
    },
    /// The provider has no key of this version (any more).
    #[error("the root key provider has no version {version}")]
    RootVersionUnknown {
        /// The version that was asked for.
        version: u32,
    },
    /// The newest version cannot be deleted: new keys are wrapped under it.
    #[error("root key version {version} is the current one and cannot be deleted")]
    RootVersionCurrent {
        /// The version that was to be deleted.
        version: u32,
    },
    /// The root key does not open what is said to be wrapped under it.
    #[error("root key version {version} does not open this: it is another key, or the row changed")]
    RootKeyWrong {
        /// The version that was tried.
        version: u32,
    },
    /// The passphrase does not give the key that the salt file was made with.
    #[error("the passphrase is not the one that the root key was made with")]
    PassphraseWrong,
    /// The passphrase for a new root key is too short.
    #[error("the passphrase has fewer than {minimum} characters")]
    PassphraseShort {
        /// The least number of characters.
        minimum: usize,
    },
    /// The provider cannot add or delete versions by itself.
    #[error("the {provider} root key provider cannot change its versions")]
    RootReadOnly {
        /// The provider's name.
        provider: &'static str,
    },

    /// The bytes are shorter than a header, nonce and tag.
    #[error("the ciphertext is too short")]
    TooShort,
    /// The first byte names a format that this version of the service does not know.
    #[error("the ciphertext has an unknown format version")]
    UnknownVersion,
    /// The second byte names an algorithm that this version of the service does not know.
    #[error("the ciphertext has an unknown algorithm")]
    UnknownAlgorithm,
    /// The ciphertext says that it was made under another version of the key.
    #[error("the ciphertext was made under another version of the key")]
    WrongKeyVersion,
    /// The tag does not fit: another key, another place, or changed bytes.
    #[error("the ciphertext does not authenticate")]
    Unauthentic,
    /// The plaintext is longer than AES-GCM allows (64 GiB).
    #[error("the plaintext is too long to encrypt")]
    TooLong,
    /// A secret does not have the length of its kind.
    #[error("the secret does not have the length of its kind")]
    SecretLength,
    /// HKDF refused the length that was asked for (RFC 5869, section 2.3).
    #[error("a key could not be derived")]
    Derivation,
    /// The data key is not the one whose commitment was stored.
    #[error("the data key does not fit its stored commitment")]
    CommitmentMismatch,

    /// A chunk is longer than a chunk, or one before the last is shorter.
    #[error("the chunk does not have the size of a chunk")]
    ChunkSize,
    /// A chunk was given after the last one.
    #[error("the stream has ended")]
    StreamEnded,
    /// The stream was not ended by its last chunk.
    #[error("the stream was cut short")]
    StreamTruncated,
    /// The stream has more chunks than its counter can count.
    #[error("the stream is too long")]
    StreamTooLong,

    /// A stored password hash is not a PHC string of argon2id.
    #[error("the stored password hash is malformed")]
    PasswordHashMalformed,
    /// argon2 refused its parameters or its input.
    #[error("argon2 refused its input")]
    Argon2(#[source] argon2::Error),
}
