//! The program under a gate: a workspace whose configuration and baselines a test writes, one test at a time.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use crate::{Finished, Hotpath, Workspace};

/// The workspace, without configuration and baselines at first.
#[derive(Debug)]
pub struct Gate {
    /// Its root.
    pub root: PathBuf,
    _alone: MutexGuard<'static, ()>,
}

impl Gate {
    /// Waits for the workspace; each test binary has one under its own name.
    ///
    /// # Panics
    /// When files can't be copied.
    pub fn alone(name: &str) -> Self {
        static ALONE: Mutex<()> = Mutex::new(());
        static ROOT: OnceLock<PathBuf> = OnceLock::new();
        let guard = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let root = ROOT.get_or_init(|| Workspace::shared_as("gate", name).root).clone();
        for file in ["hotpath.toml", "hotpath-baseline.json"] {
            let _ = fs::remove_file(root.join(file));
        }
        Self { root, _alone: guard }
    }

    /// A command line in it.
    pub fn hotpath(&self, args: &[&str]) -> Hotpath {
        Hotpath::new(&self.root, args)
    }

    /// The name of a run that is made once.
    ///
    /// # Panics
    /// When it fails.
    pub fn stored(&self) -> &'static str {
        static STORED: OnceLock<()> = OnceLock::new();
        STORED.get_or_init(|| {
            let run = ["run", "--bin", "gate", "--runs", "3", "--save", "base"];
            let _ = self.hotpath(&run).run().expect_code(0);
        });
        "base"
    }

    /// Judges that run.
    pub fn check(&self, args: &[&str]) -> Finished {
        self.hotpath(&["check", self.stored()]).args(args).run()
    }

    /// Writes `hotpath.toml`.
    ///
    /// # Panics
    /// When that fails.
    pub fn configure(&self, text: &str) {
        fs::write(self.root.join("hotpath.toml"), text).expect("the configuration is written");
    }

    /// What `hotpath.toml` says.
    ///
    /// # Panics
    /// When there is none.
    pub fn configuration(&self) -> String {
        text(&self.root.join("hotpath.toml"))
    }

    /// The file of baselines.
    pub fn baseline(&self) -> PathBuf {
        self.root.join("hotpath-baseline.json")
    }
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).expect("the file is there")
}
