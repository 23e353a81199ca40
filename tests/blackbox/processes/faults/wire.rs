//! A connection whose bytes a test sends and reads by itself, as slowly as it likes.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use super::super::installation::Process;

/// An answer that takes longer does not come.
const PATIENCE: Duration = Duration::from_mins(2);

/// A connection to a service.
pub(super) struct Wire(TcpStream);

impl Wire {
    pub(super) fn try_open(process: &Process) -> io::Result<Self> {
        let stream = TcpStream::connect(process.url.strip_prefix("http://").unwrap())?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self(stream))
    }

    pub(super) fn open(process: &Process) -> Self {
        Self::try_open(process).unwrap()
    }

    pub(super) fn send(&mut self, text: impl AsRef<[u8]>) {
        self.try_send(text).unwrap();
    }

    pub(super) fn try_send(&mut self, text: impl AsRef<[u8]>) -> io::Result<()> {
        self.0.write_all(text.as_ref())
    }

    /// Begins a call with a body of so many bytes.
    pub(super) fn begin(&mut self, method: &str, path: &str, token: &str, bytes: usize) {
        self.send(format!(
            "{method} {path} HTTP/1.1\r\nhost: oubli\r\nauthorization: Bearer {token}\r\n\
             content-type: application/json\r\ncontent-length: {bytes}\r\n\r\n"
        ));
    }

    /// Whether something of an answer is there.
    pub(super) fn is_answered(&self) -> bool {
        self.0.set_nonblocking(true).unwrap();
        let peeked = self.0.peek(&mut [0]);
        self.0.set_nonblocking(false).unwrap();
        peeked.is_ok()
    }

    /// Reads the head of an answer, in lower case, and no more than comes with it.
    pub(super) fn head(&mut self) -> String {
        let mut head = Vec::new();
        let mut chunk = [0; 4_096];
        while !head.windows(4).any(|end| end == b"\r\n\r\n") {
            match self.0.read(&mut chunk).unwrap() {
                0 => panic!("it ended after {}", String::from_utf8_lossy(&head)),
                more => head.extend_from_slice(&chunk[..more]),
            }
        }
        String::from_utf8_lossy(&head).to_lowercase()
    }
}
