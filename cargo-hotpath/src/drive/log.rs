//! What the workload prints: passed on byte by byte, and looked through for a line.

use std::io::{self, Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use regex::bytes::Regex;

/// Longest part of a line that is kept to be looked at.
const LONGEST: usize = 64 * 1024;

/// What a process that inherited the streams gets to close them, once the workload has ended.
const DRAIN: Duration = Duration::from_secs(1);

/// Whether a line has matched.
#[derive(Clone, Debug, Default)]
pub struct Log(Arc<AtomicBool>);

/// The threads that pass a child's streams on.
#[derive(Debug)]
pub struct Pumps(Vec<JoinHandle<()>>);

impl Log {
    /// Whether a line has matched.
    pub fn has_matched(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Has both streams of a command led through here.
    pub fn tap(command: &mut Command) {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
    }

    /// Passes on what a child prints; its standard output to standard error where ours is taken.
    pub fn pump(&self, child: &mut Child, pattern: &Regex, stdout_to_stderr: bool) -> Pumps {
        let mut threads = Vec::new();
        if let Some(from) = child.stdout.take() {
            let to: Box<dyn Write + Send> =
                if stdout_to_stderr { Box::new(io::stderr()) } else { Box::new(io::stdout()) };
            threads.push(self.thread(from, to, pattern));
        }
        if let Some(from) = child.stderr.take() {
            threads.push(self.thread(from, Box::new(io::stderr()), pattern));
        }
        Pumps(threads)
    }

    fn thread(
        &self,
        from: impl Read + Send + 'static,
        to: Box<dyn Write + Send>,
        pattern: &Regex,
    ) -> JoinHandle<()> {
        let (matched, pattern) = (self.clone(), pattern.clone());
        thread::spawn(move || matched.copy(from, to, &pattern))
    }

    fn copy(&self, mut from: impl Read, mut to: impl Write, pattern: &Regex) {
        let mut chunk = vec![0; 16 * 1024];
        let mut line = Vec::new();
        loop {
            let length = match from.read(&mut chunk) {
                Ok(0) => break,
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(_) => break,
            };
            // Where nobody reads any more the workload still has to get rid of it.
            let _ = to.write_all(&chunk[..length]).and_then(|()| to.flush());
            if !self.has_matched() {
                self.look(&mut line, &chunk[..length], pattern);
            }
        }
        self.see(&line, pattern);
    }

    fn look(&self, line: &mut Vec<u8>, chunk: &[u8], pattern: &Regex) {
        for &byte in chunk {
            if byte == b'\n' {
                self.see(line, pattern);
                line.clear();
            } else if line.len() < LONGEST {
                line.push(byte);
            }
        }
        // A prompt has no end of line.
        self.see(line, pattern);
    }

    fn see(&self, line: &[u8], pattern: &Regex) {
        if !self.has_matched() && pattern.is_match(line) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
}

impl Pumps {
    /// Waits until all is passed on, but not for a process that keeps the streams open.
    pub fn finish(self) {
        let began = Instant::now();
        for thread in self.0 {
            while !thread.is_finished() && began.elapsed() < DRAIN {
                thread::sleep(Duration::from_millis(1));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, text: &[u8]) -> bool {
        let (log, mut copied) = (Log::default(), Vec::new());
        log.copy(text, &mut copied, &Regex::new(pattern).unwrap());
        assert_eq!(copied, text);
        log.has_matched()
    }

    #[test]
    fn lines_are_matched_one_by_one_and_all_bytes_passed_on() {
        assert!(matches("^ready$", b"starting\nready\nmore"));
        assert!(!matches("starting.*ready", b"starting\nready\n"));
        assert!(matches("prompt> $", b"hello\nprompt> "));
        assert!(matches("port 80", b"\xff\xfe port 80\n"));
        assert!(!matches("x", b""));
    }

    #[test]
    fn a_line_may_come_in_parts() {
        let log = Log::default();
        let (mut line, pattern) = (Vec::new(), Regex::new("listening").unwrap());
        log.look(&mut line, b"list", &pattern);
        assert!(!log.has_matched());
        log.look(&mut line, b"ening\n", &pattern);
        assert!(log.has_matched());
    }
}
