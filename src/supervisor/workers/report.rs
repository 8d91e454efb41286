//! What a worker tells its supervisor, over a pipe of its own.
//!
//! ```text
//!   message = kind (1 byte) | code (1 byte) | length (4 bytes, little end first) | text
//! ```
//!
//! A message never exceeds what the pipe holds, so a worker does not wait for its supervisor, and
//! one write makes it whole. That a worker died is never read from this pipe (a child of the
//! worker may hold it open): only from wait(2).

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use unicoro_sys::bytes::{read, write};
use unicoro_sys::process::Exit;

/// Something a worker says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Report {
    /// The app is loaded; requests are taken from now on.
    Ready,
    /// The worker cannot start, and another one could not either.
    Failed {
        /// What failed.
        failure: BootFailure,
        /// Why: a traceback, for instance.
        text: String,
    },
    /// The worker has had its share of requests: start a successor. The worker serves on until
    /// it gets TERM, which comes when the successor is ready, or leaves when it likes.
    Retiring,
}

/// What a worker could not do at its start.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BootFailure {
    /// Set the server itself up, such as the engine.
    Setup = 1,
    /// Import the app's module.
    Import = 3,
    /// Find the app in the module.
    App = 4,
    /// Run a hook of the config file; the exit code is 3, as gunicorn's.
    Hook = 5,
    /// Start the app, which was imported: its lifespan; the exit code is 3 as well.
    Start = 6,
}

impl BootFailure {
    /// The exit code of the worker, and of a master whose first workers fail so.
    #[must_use]
    pub fn exit_code(self) -> i32 {
        match self {
            BootFailure::Hook | BootFailure::Start => BootFailure::Import as i32,
            failure => failure as i32,
        }
    }

    /// What a worker meant that left with this code but could not report. 1 means nothing here:
    /// Python programs end with it for any reason.
    #[must_use]
    pub fn from_exit(exit: Exit) -> Option<BootFailure> {
        match exit {
            Exit::Code(3) => Some(BootFailure::Import),
            Exit::Code(4) => Some(BootFailure::App),
            _ => None,
        }
    }

    /// The failure as part of a sentence.
    #[must_use]
    pub fn describe(self) -> &'static str {
        match self {
            BootFailure::Setup => "could not be set up",
            BootFailure::Import => "could not import the app",
            BootFailure::App => "could not find the app",
            BootFailure::Hook => "could not run a hook",
            BootFailure::Start => "could not start the app",
        }
    }

    fn from_byte(byte: u8) -> Option<BootFailure> {
        match byte {
            1 => Some(BootFailure::Setup),
            3 => Some(BootFailure::Import),
            4 => Some(BootFailure::App),
            5 => Some(BootFailure::Hook),
            6 => Some(BootFailure::Start),
            _ => None,
        }
    }
}

/// The worker's end.
#[derive(Debug)]
pub struct ReportWriter(OwnedFd);

impl ReportWriter {
    pub fn new(fd: OwnedFd) -> ReportWriter {
        ReportWriter(fd)
    }

    /// Sends it. A supervisor that is gone does not matter: the worker learns that elsewhere.
    pub fn send(&self, report: &Report) {
        let message = encode(report);
        let mut rest = &message[..];
        while !rest.is_empty() {
            match write(&self.0, rest) {
                Ok(written) => rest = &rest[written.min(rest.len())..],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return,
            }
        }
    }
}

/// The supervisor's end: non-blocking, with what has come of an unfinished message.
#[derive(Debug)]
pub struct ReportReader {
    /// `None` after the end of the file.
    fd: Option<OwnedFd>,
    buffer: Vec<u8>,
}

impl ReportReader {
    /// `fd` must be non-blocking.
    pub fn new(fd: OwnedFd) -> ReportReader {
        ReportReader { fd: Some(fd), buffer: Vec::new() }
    }

    /// What to poll; `None` when nothing can come any more.
    pub fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.fd.as_ref().map(AsFd::as_fd)
    }

    /// Everything that has arrived. What is no message ends the pipe: it cannot be trusted.
    pub fn read(&mut self) -> Vec<Report> {
        self.fill();
        let mut reports = Vec::new();
        loop {
            match decode(&self.buffer) {
                Found::Report(report, length) => {
                    self.buffer.drain(..length);
                    reports.push(report);
                }
                Found::Partial => return reports,
                Found::Garbage => {
                    self.fd = None;
                    self.buffer.clear();
                    return reports;
                }
            }
        }
    }

    /// At most one pipe's worth, so that a worker that writes for ever cannot hold the loop.
    fn fill(&mut self) {
        let mut chunk = [0; 4096];
        for _ in 0..PIPE_BYTES / chunk.len() {
            let Some(fd) = &self.fd else { return };
            match read(fd, &mut chunk) {
                Ok(0) => self.fd = None,
                Ok(read) => self.buffer.extend(&chunk[..read]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(_) => self.fd = None,
            }
        }
    }
}

enum Found {
    Report(Report, usize),
    Partial,
    Garbage,
}

fn encode(report: &Report) -> Vec<u8> {
    let (kind, code, text) = match report {
        Report::Ready => (READY, 0, ""),
        Report::Failed { failure, text } => (FAILED, *failure as u8, &**text),
        Report::Retiring => (RETIRING, 0, ""),
    };
    let text = last_part(text);
    let mut message = vec![kind, code];
    message.extend((text.len() as u32).to_le_bytes());
    message.extend(text.as_bytes());
    message
}

/// The end of a traceback says what happened, so that is what is kept of a long one.
fn last_part(text: &str) -> &str {
    let mut start = text.len().saturating_sub(MAX_TEXT_BYTES);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    &text[start..]
}

fn decode(bytes: &[u8]) -> Found {
    let Some((&[kind, code, a, b, c, d], rest)) = bytes.split_first_chunk::<HEAD_BYTES>() else {
        return Found::Partial;
    };
    let length = u32::from_le_bytes([a, b, c, d]) as usize;
    if length > MAX_TEXT_BYTES {
        return Found::Garbage;
    }
    let Some(text) = rest.get(..length) else { return Found::Partial };
    let report = match (kind, BootFailure::from_byte(code)) {
        (READY, _) => Report::Ready,
        (RETIRING, _) => Report::Retiring,
        (FAILED, Some(failure)) => {
            Report::Failed { failure, text: String::from_utf8_lossy(text).into_owned() }
        }
        _ => return Found::Garbage,
    };
    Found::Report(report, HEAD_BYTES + length)
}

const READY: u8 = b'R';
const FAILED: u8 = b'F';
const RETIRING: u8 = b'T';
const HEAD_BYTES: usize = 6;
/// What a pipe holds by default on Linux.
const PIPE_BYTES: usize = 64 * 1024;
/// A whole message, with room for a few others, fits the pipe.
const MAX_TEXT_BYTES: usize = PIPE_BYTES - 4096;

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;
    use unicoro_sys::fd::set_nonblocking;
    use unicoro_sys::pipe::pipe;

    fn ends() -> (ReportReader, ReportWriter) {
        let (reader, writer) = pipe().unwrap();
        set_nonblocking(reader.as_fd(), true).unwrap();
        (ReportReader::new(reader), ReportWriter::new(writer))
    }

    #[test]
    fn reports_arrive_whole_and_in_order() {
        let (mut reader, writer) = ends();
        assert_eq!(reader.read(), []);
        let failed = Report::Failed { failure: BootFailure::Import, text: "é\nTypeError".into() };
        for report in [&Report::Ready, &failed, &Report::Retiring] {
            writer.send(report);
        }
        drop(writer);
        assert_eq!(reader.read(), [Report::Ready, failed, Report::Retiring]);
        assert!(reader.fd().is_none());
    }

    #[test]
    fn a_long_text_never_blocks_the_worker_and_keeps_its_end() {
        let (mut reader, writer) = ends();
        let text = format!("{}the end", "é".repeat(100_000));
        writer.send(&Report::Failed { failure: BootFailure::App, text });
        let reports = reader.read();
        let [Report::Failed { text, .. }] = &reports[..] else { panic!("{reports:?}") };
        assert!(text.ends_with("the end"));
        assert!(text.len() <= MAX_TEXT_BYTES);
    }

    #[test]
    fn garbage_ends_the_pipe() {
        let (mut reader, writer) = ends();
        write(&writer.0, b"hello, world").unwrap();
        assert_eq!(reader.read(), []);
        assert!(reader.fd().is_none());
    }

    #[test]
    fn a_message_in_pieces_waits_for_its_end() {
        let (mut reader, writer) = ends();
        let failed = Report::Failed { failure: BootFailure::App, text: "abc".into() };
        let message = encode(&failed);
        write(&writer.0, &message[..7]).unwrap();
        assert_eq!(reader.read(), []);
        write(&writer.0, &message[7..]).unwrap();
        assert_eq!(reader.read(), [failed]);
    }
}
