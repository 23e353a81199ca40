//! Chunked encryption for export bundles, which are too large to hold in memory: the STREAM
//! construction (Hoang, Reyhanitabar, Rogaway, Vizár 2015, "Online Authenticated-Encryption and
//! its Nonce-Reuse Misuse-Resistance") over AES-256-GCM.
//!
//! A stream has a header (format version, algorithm, 7 random bytes) and chunks of 1 MiB, each
//! encrypted under the nonce `prefix (7) | counter (4, big-endian) | last flag (1)`. A chunk that
//! is moved, left out, repeated or added does not open, and a stream that was cut short shows it.

use std::fmt;

use zeroize::Zeroizing;

use crate::aead::{Cipher, NONCE_BYTES, TAG_BYTES};
use crate::envelope::Label;
use crate::error::VaultError;
use crate::key_tree::DataKey;
use crate::secret::{Secret, fill_random};

/// Bytes of plaintext in each chunk but the last, which has at most as many.
pub const CHUNK_BYTES: usize = 1024 * 1024;
/// Bytes of a stream's header.
pub const STREAM_HEADER_BYTES: usize = 2 + PREFIX_BYTES;

const FORMAT: u8 = 1;
const AES_256_GCM_STREAM: u8 = 2;
const PREFIX_BYTES: usize = 7;

/// The key of one bundle. Never two streams under one key.
pub struct BundleKey(Secret);

impl BundleKey {
    /// A new random key.
    #[must_use]
    pub fn generate() -> Self {
        Self(Secret::generate())
    }

    /// Wraps the key under the subject's data key, bound to the export: when the data key goes,
    /// the bundle is unreadable.
    ///
    /// # Errors
    /// None in practice: `TooLong` above 64 GiB.
    pub fn wrap(&self, data_key: &DataKey, export: &str) -> Result<Vec<u8>, VaultError> {
        data_key.seal(&data_key.context(Label::Bundle, "", export, ""), self.0.expose())
    }

    /// Unwraps what [`BundleKey::wrap`] wrapped for the same export.
    ///
    /// # Errors
    /// As [`DataKey::open`].
    pub fn unwrap(data_key: &DataKey, export: &str, wrapped: &[u8]) -> Result<Self, VaultError> {
        let context = data_key.context(Label::Bundle, "", export, "");
        let secret = data_key.open(&context, wrapped)?;
        Secret::from_slice(&secret).map(Self)
    }
}

impl fmt::Debug for BundleKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BundleKey(redacted)")
    }
}

/// What both directions share: the cipher, the header and where in the stream they are.
struct Stream {
    cipher: Cipher,
    header: [u8; STREAM_HEADER_BYTES],
    /// The number of the next chunk; `None` once the last has been done or the counter is spent.
    next: Option<u32>,
    ended: bool,
}

impl Stream {
    fn new(key: &BundleKey, header: [u8; STREAM_HEADER_BYTES]) -> Self {
        Self { cipher: Cipher::of(&key.0), header, next: Some(0), ended: false }
    }

    fn nonce(&self, last: bool) -> Result<[u8; NONCE_BYTES], VaultError> {
        if self.ended {
            return Err(VaultError::StreamEnded);
        }
        let counter = self.next.ok_or(VaultError::StreamTooLong)?;
        let mut nonce = [0; NONCE_BYTES];
        nonce[..PREFIX_BYTES].copy_from_slice(&self.header[2..]);
        nonce[PREFIX_BYTES..NONCE_BYTES - 1].copy_from_slice(&counter.to_be_bytes());
        nonce[NONCE_BYTES - 1] = u8::from(last);
        Ok(nonce)
    }

    fn advance(&mut self, last: bool) {
        self.next = self.next.and_then(|counter| counter.checked_add(1));
        self.ended = last;
    }
}

fn check_size(length: usize, last: bool) -> Result<(), VaultError> {
    let fits = if last { length <= CHUNK_BYTES } else { length == CHUNK_BYTES };
    if fits { Ok(()) } else { Err(VaultError::ChunkSize) }
}

/// Encrypts a bundle, chunk after chunk.
pub struct ChunkSealer(Stream);

impl ChunkSealer {
    /// Starts the one stream of a key.
    #[must_use]
    pub fn new(key: &BundleKey) -> Self {
        let mut header = [0; STREAM_HEADER_BYTES];
        fill_random(&mut header);
        header[..2].copy_from_slice(&[FORMAT, AES_256_GCM_STREAM]);
        Self(Stream::new(key, header))
    }

    /// The header, to be stored with the chunks.
    #[must_use]
    pub fn header(&self) -> &[u8] {
        &self.0.header
    }

    /// Encrypts the next chunk; 16 bytes longer. `last` ends the stream.
    ///
    /// # Errors
    /// `ChunkSize` unless the chunk has [`CHUNK_BYTES`] bytes, or at most as many when it is the
    /// last; `StreamEnded` after the last; `StreamTooLong` after 2^32 chunks.
    pub fn seal(&mut self, chunk: &[u8], last: bool) -> Result<Vec<u8>, VaultError> {
        check_size(chunk.len(), last)?;
        let nonce = self.0.nonce(last)?;
        let mut sealed = Vec::with_capacity(chunk.len() + TAG_BYTES);
        sealed.extend_from_slice(chunk);
        let tag = self.0.cipher.encrypt(&nonce, &self.0.header, &mut sealed)?;
        sealed.extend_from_slice(&tag);
        self.0.advance(last);
        Ok(sealed)
    }
}

impl fmt::Debug for ChunkSealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ChunkSealer(redacted)")
    }
}

/// Decrypts a bundle, chunk after chunk.
pub struct ChunkOpener(Stream);

impl ChunkOpener {
    /// Starts at the first chunk of the stream with this header.
    ///
    /// # Errors
    /// `TooShort`, `UnknownVersion` or `UnknownAlgorithm` by the header.
    pub fn new(key: &BundleKey, header: &[u8]) -> Result<Self, VaultError> {
        let header: [u8; STREAM_HEADER_BYTES] =
            header.try_into().map_err(|_| VaultError::TooShort)?;
        match header {
            [FORMAT, AES_256_GCM_STREAM, ..] => Ok(Self(Stream::new(key, header))),
            [FORMAT, ..] => Err(VaultError::UnknownAlgorithm),
            _ => Err(VaultError::UnknownVersion),
        }
    }

    /// Decrypts the next chunk. `last` says that no chunk follows it in the store: a stream that
    /// was cut short then fails here, because its final chunk was not sealed as the last.
    ///
    /// # Errors
    /// `TooShort`, `ChunkSize`; `Unauthentic` for another chunk than the next of this stream;
    /// `StreamEnded` after the last. A failed chunk leaves the opener where it was.
    pub fn open(&mut self, sealed: &[u8], last: bool) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let (body, tag) = sealed.split_last_chunk().ok_or(VaultError::TooShort)?;
        check_size(body.len(), last)?;
        let nonce = self.0.nonce(last)?;
        let mut chunk = Zeroizing::new(body.to_vec());
        self.0.cipher.decrypt(&nonce, &self.0.header, &mut chunk, tag)?;
        self.0.advance(last);
        Ok(chunk)
    }

    /// Says whether the whole stream was read.
    ///
    /// # Errors
    /// `StreamTruncated` unless the last chunk was opened.
    pub fn finish(self) -> Result<(), VaultError> {
        if self.0.ended { Ok(()) } else { Err(VaultError::StreamTruncated) }
    }
}

impl fmt::Debug for ChunkOpener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ChunkOpener(redacted)")
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use oubli_domain::{AppId, SubjectId, Time};

    use super::{BundleKey, CHUNK_BYTES, ChunkOpener, ChunkSealer, STREAM_HEADER_BYTES};
    use crate::DataKey;
    use crate::error::VaultError;

    /// A bundle of three chunks, sealed.
    fn bundle(key: &BundleKey) -> (Vec<u8>, Vec<Vec<u8>>) {
        let mut sealer = ChunkSealer::new(key);
        let header = sealer.header().to_vec();
        let chunks =
            [(vec![1; CHUNK_BYTES], false), (vec![2; CHUNK_BYTES], false), (vec![3], true)]
                .map(|(chunk, last)| sealer.seal(&chunk, last).unwrap());
        (header, chunks.to_vec())
    }

    /// Reads chunks as a reader does: the final one of the list is taken for the last.
    fn read(key: &BundleKey, header: &[u8], chunks: &[Vec<u8>]) -> Result<Vec<u8>, VaultError> {
        let mut opener = ChunkOpener::new(key, header)?;
        let mut out = Vec::new();
        for (index, chunk) in chunks.iter().enumerate() {
            out.extend_from_slice(&opener.open(chunk, index + 1 == chunks.len())?);
        }
        opener.finish().map(|()| out)
    }

    #[test]
    fn stored_bundles_are_read_by_these_sizes() {
        assert_eq!((CHUNK_BYTES, STREAM_HEADER_BYTES), (1_048_576, 9));
    }

    #[test]
    fn a_bundle_key_opens_for_its_export_and_person_alone() {
        let app = AppId::new("shop").unwrap();
        let data_key = || DataKey::generate(&app, SubjectId::fresh(Time(0))).unwrap();
        let (own, other, key) = (data_key(), data_key(), BundleKey::generate());
        let wrapped = key.wrap(&own, "exp_1").unwrap();
        let unwrapped = BundleKey::unwrap(&own, "exp_1", &wrapped).unwrap();
        let (header, chunks) = bundle(&key);
        assert!(read(&unwrapped, &header, &chunks).is_ok());
        assert!(BundleKey::unwrap(&own, "exp_2", &wrapped).is_err());
        assert!(BundleKey::unwrap(&other, "exp_1", &wrapped).is_err());
    }

    #[test]
    fn a_bundle_reads_back() {
        let key = BundleKey::generate();
        let (header, chunks) = bundle(&key);
        // Stored bundles have this size of chunk.
        assert_eq!(CHUNK_BYTES, 1 << 20);
        let text = read(&key, &header, &chunks).unwrap();
        assert_eq!(text.len(), 2 * CHUNK_BYTES + 1);
        assert_eq!((text[0], text[CHUNK_BYTES], text[2 * CHUNK_BYTES]), (1, 2, 3));
    }

    #[test]
    fn an_empty_bundle_is_one_empty_chunk() {
        let key = BundleKey::generate();
        let mut sealer = ChunkSealer::new(&key);
        let only = sealer.seal(b"", true).unwrap();
        assert!(read(&key, sealer.header(), &[only]).unwrap().is_empty());
        assert!(matches!(
            read(&key, sealer.header(), &[]).unwrap_err(),
            VaultError::StreamTruncated
        ));
    }

    #[test]
    fn reordered_missing_repeated_and_added_chunks_fail() {
        let key = BundleKey::generate();
        let (header, c) = bundle(&key);
        let attacks = [
            vec![c[1].clone(), c[0].clone(), c[2].clone()],
            vec![c[0].clone(), c[2].clone()],
            vec![c[0].clone(), c[0].clone(), c[2].clone()],
            vec![c[0].clone(), c[1].clone()],
            vec![c[0].clone()],
            vec![c[0].clone(), c[1].clone(), c[2].clone(), c[2].clone()],
            vec![c[0].clone(), c[1].clone(), c[1].clone(), c[2].clone()],
        ];
        for (index, attack) in attacks.iter().enumerate() {
            assert!(read(&key, &header, attack).is_err(), "attack {index}");
        }
    }

    #[test]
    fn nothing_follows_the_last_chunk() {
        let key = BundleKey::generate();
        let mut sealer = ChunkSealer::new(&key);
        let only = sealer.seal(b"x", true).unwrap();
        assert!(matches!(sealer.seal(b"y", true), Err(VaultError::StreamEnded)));
        let mut opener = ChunkOpener::new(&key, sealer.header()).unwrap();
        opener.open(&only, true).unwrap();
        assert!(matches!(opener.open(&only, true), Err(VaultError::StreamEnded)));
    }

    #[test]
    fn chunks_of_another_stream_key_or_size_fail() {
        let key = BundleKey::generate();
        let (header, chunks) = bundle(&key);
        let (other_header, _) = bundle(&key);
        assert!(read(&key, &other_header, &chunks).is_err());
        assert!(read(&BundleKey::generate(), &header, &chunks).is_err());
        let mut sealer = ChunkSealer::new(&key);
        assert!(matches!(sealer.seal(b"short", false), Err(VaultError::ChunkSize)));
        let long = vec![0; CHUNK_BYTES + 1];
        assert!(matches!(sealer.seal(&long, true), Err(VaultError::ChunkSize)));
    }

    #[test]
    fn flipped_bits_and_wrong_headers_fail() {
        let key = BundleKey::generate();
        let mut sealer = ChunkSealer::new(&key);
        let header = sealer.header().to_vec();
        let only = sealer.seal(b"text", true).unwrap();
        for bit in 0..only.len() * 8 {
            let mut changed = only.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(read(&key, &header, &[changed]).is_err(), "bit {bit}");
        }
        for bit in 0..header.len() * 8 {
            let mut changed = header.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(read(&key, &changed, std::slice::from_ref(&only)).is_err(), "bit {bit}");
        }
        assert!(matches!(ChunkOpener::new(&key, &header[1..]), Err(VaultError::TooShort)));
    }

    #[test]
    fn the_counter_ends_rather_than_wraps() {
        let mut sealer = ChunkSealer::new(&BundleKey::generate());
        sealer.0.next = Some(u32::MAX);
        sealer.seal(&vec![0; CHUNK_BYTES], false).unwrap();
        assert!(matches!(sealer.seal(b"", true), Err(VaultError::StreamTooLong)));
    }
}
