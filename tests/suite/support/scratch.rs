//! A directory of one test, removed with it; kept for a look when the test fails.

use std::fs;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

pub struct Scratch {
    path: PathBuf,
}

impl Scratch {
    /// Under the system's temporary directory: a unix socket's path has 107 bytes at most.
    pub fn new() -> Scratch {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("unicoro-test-{}-{number}", process::id()));
        fs::create_dir_all(&path).expect("the temporary directory is writable");
        Scratch { path }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Whoever reads the file meanwhile, such as a worker that boots, finds all of it or the former one.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let (path, draft) = (self.file(name), self.file(&format!("{name}.draft")));
        fs::write(&draft, text).expect("the scratch directory is writable");
        fs::rename(&draft, &path).expect("the scratch directory is writable");
        path
    }

    /// A file of so many bytes, which differ from place to place, and its content.
    pub fn fill(&self, name: &str, size: usize) -> Vec<u8> {
        let content: Vec<u8> = (0..size).map(|at| (at % 251) as u8).collect();
        fs::write(self.file(name), &content).expect("the scratch directory is writable");
        content
    }

    /// What the file holds by now; nothing while it does not exist.
    pub fn read(&self, name: &str) -> String {
        let bytes = fs::read(self.file(name)).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    pub fn rename(&self, from: &str, to: &str) {
        fs::rename(self.file(from), self.file(to)).expect("the file is there");
    }

    /// The number in a pid file; nothing while it does not exist.
    pub fn pid(&self, file: &str) -> Option<u32> {
        self.read(file).trim().parse().ok()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("kept for a look: {}", self.path.display());
        } else {
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}
