//! A bundle as it is written: a ZIP, compressed as it comes, cut into chunks, each sealed and
//! stored in a transaction of its own. Memory holds about one chunk, however large the bundle.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use oubli_domain::{ExportId, SubjectId};
use oubli_store::{exports, subjects};
use oubli_vault::{BundleKey, CHUNK_BYTES, ChunkSealer};
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;
use zip::write::{SimpleFileOptions, StreamWriter};
use zip::{CompressionMethod, ZipWriter};

use crate::error::{Error, Result};
use crate::log::hex;
use crate::oubli::Oubli;
use crate::worker::Leased;

/// The name of the last part.
const MANIFEST: &str = "manifest.json";

/// How long a bundle came out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Built {
    pub(super) chunks: i64,
    /// Bytes of the ZIP.
    pub(super) bytes: i64,
}

/// A part of a bundle, as its manifest lists it.
#[derive(Debug, Serialize)]
struct Part {
    name: String,
    bytes: u64,
    sha256: String,
    rows: u64,
}

/// The part that is being written.
struct Open {
    name: String,
    bytes: u64,
    hash: Sha256,
    rows: u64,
}

/// What the ZIP writer has put out and nobody has sealed yet.
#[derive(Clone, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Buffer {
    fn len(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    fn take(&self, most: usize) -> Zeroizing<Vec<u8>> {
        let mut bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let end = most.min(bytes.len());
        Zeroizing::new(bytes.drain(..end).collect())
    }
}

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A bundle that is being built.
pub(super) struct Bundle<'a> {
    oubli: &'a Oubli,
    leased: &'a Leased,
    subject: SubjectId,
    export: ExportId,
    zip: ZipWriter<StreamWriter<Buffer>>,
    buffer: Buffer,
    sealer: ChunkSealer,
    chunks: i64,
    bytes: i64,
    open: Option<Open>,
    parts: Vec<Part>,
}

impl<'a> Bundle<'a> {
    pub(super) fn new(
        oubli: &'a Oubli,
        leased: &'a Leased,
        subject: SubjectId,
        export: ExportId,
        key: &BundleKey,
    ) -> Self {
        let buffer = Buffer::default();
        Self {
            oubli,
            leased,
            subject,
            export,
            zip: ZipWriter::new_stream(buffer.clone()),
            buffer,
            sealer: ChunkSealer::new(key),
            chunks: 0,
            bytes: 0,
            open: None,
            parts: Vec::new(),
        }
    }

    /// Begins a part, which ends the one before.
    pub(super) fn begin(&mut self, name: &str) -> Result<()> {
        self.end_part();
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .large_file(true);
        self.zip.start_file(name, options).map_err(|_| Error::Damaged("a bundle"))?;
        let name = name.to_owned();
        self.open = Some(Open { name, bytes: 0, hash: Sha256::new(), rows: 0 });
        Ok(())
    }

    /// Adds a row: one line of JSON.
    pub(super) async fn row(&mut self, row: &Value) -> Result<()> {
        let mut line = Zeroizing::new(
            serde_json::to_vec(row).map_err(|_| Error::Damaged("a row of a bundle"))?,
        );
        line.push(b'\n');
        self.write(&line).await
    }

    /// A part that is one document.
    pub(super) async fn document(&mut self, name: &str, document: &Value) -> Result<()> {
        self.begin(name)?;
        let text = Zeroizing::new(
            serde_json::to_vec_pretty(document).map_err(|_| Error::Damaged("a bundle's part"))?,
        );
        self.write(&text).await
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let open = self.open.as_mut().ok_or(Error::Damaged("a bundle"))?;
        open.hash.update(bytes);
        open.bytes += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        open.rows += 1;
        self.zip.write_all(bytes).map_err(|_| Error::Damaged("a bundle"))?;
        // One chunk stays behind: the last must be sealed as such.
        while self.buffer.len() > CHUNK_BYTES {
            self.seal(false).await?;
        }
        Ok(())
    }

    fn end_part(&mut self) {
        self.parts.extend(self.open.take().map(|open| Part {
            name: open.name,
            bytes: open.bytes,
            sha256: hex(&open.hash.finalize()),
            rows: open.rows,
        }));
    }

    /// Ends the bundle with its manifest: `head` and the list of parts.
    pub(super) async fn finish(mut self, mut head: Value) -> Result<Built> {
        self.end_part();
        let parts = std::mem::take(&mut self.parts);
        head["parts"] = json!(parts);
        self.document(MANIFEST, &head).await?;
        let zip = std::mem::replace(&mut self.zip, ZipWriter::new_stream(Buffer::default()));
        drop(zip.finish().map_err(|_| Error::Damaged("a bundle"))?);
        while self.buffer.len() > CHUNK_BYTES {
            self.seal(false).await?;
        }
        self.seal(true).await?;
        Ok(Built { chunks: self.chunks, bytes: self.bytes })
    }

    /// Seals and stores the next chunk. The stream's header stands before the first.
    async fn seal(&mut self, last: bool) -> Result<()> {
        let clear = self.buffer.take(CHUNK_BYTES);
        let mut sealed = if self.chunks == 0 { self.sealer.header().to_vec() } else { Vec::new() };
        sealed.append(&mut self.sealer.seal(&clear, last)?);
        let (leased, subject, export) = (self.leased.clone(), self.subject, self.export);
        let (chunk, now, sealed) = (self.chunks, self.oubli.now(), Arc::new(sealed));
        let written = self.oubli.data().write("export.chunk", move |tx| {
            let (leased, sealed) = (leased.clone(), Arc::clone(&sealed));
            Box::pin(async move {
                let app = &leased.job.app;
                subjects::lock(tx, app, subject).await?;
                leased.hold(tx, now).await?;
                exports::insert_chunk(tx, app, export, chunk, subject, &sealed).await
            })
        });
        written.await?;
        self.chunks += 1;
        self.bytes += i64::try_from(clear.len()).unwrap_or(i64::MAX);
        Ok(())
    }
}
