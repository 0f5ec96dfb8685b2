//! The private directory in which the workload's processes leave their counters.

use std::io;
use std::path::Path;

use tempfile::TempDir;

/// Free space below which memory is left to others: each process takes at least 1 MiB until the run ends, and
/// some workloads start hundreds. Containers often have no more than 64 MiB.
#[cfg(target_os = "linux")]
const ROOM_BYTES: u64 = 512 << 20;

const PREFIX: &str = "cargo-hotpath-";

/// Makes it in memory where there is room, else in the run's directory; mode 0700, gone when dropped.
pub fn directory(run: &Path) -> io::Result<TempDir> {
    let prefix = format!("{PREFIX}{}-", std::process::id());
    let mut builder = tempfile::Builder::new();
    builder.prefix(&prefix);
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
    if let Some(memory) = memory() {
        sweep(memory);
        if let Ok(dir) = builder.tempdir_in(memory) {
            return Ok(dir);
        }
    }
    builder.tempdir_in(run)
}

/// Takes away what runs that were killed have left in memory.
#[cfg(unix)]
fn sweep(memory: &Path) {
    use nix::errno::Errno;
    use nix::sys::signal::kill;
    use nix::unistd::Pid;

    for entry in std::fs::read_dir(memory).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let owner = name.to_str().and_then(|name| name.strip_prefix(PREFIX)?.split('-').next());
        let Some(Ok(pid)) = owner.map(str::parse::<i32>) else { continue };
        if pid > 0 && kill(Pid::from_raw(pid), None) == Err(Errno::ESRCH) {
            // Another user's stays: it can't be removed.
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(not(unix))]
fn sweep(_: &Path) {}

#[cfg(target_os = "linux")]
fn memory() -> Option<&'static Path> {
    let memory = Path::new("/dev/shm");
    let space = nix::sys::statvfs::statvfs(memory).ok()?;
    let free = space.blocks_available().saturating_mul(space.fragment_size());
    (free >= ROOM_BYTES).then_some(memory)
}

#[cfg(not(target_os = "linux"))]
fn memory() -> Option<&'static Path> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_directory_is_private_and_goes_away() {
        let run = tempfile::tempdir().unwrap();
        let dir = directory(run.path()).unwrap();
        let path = dir.path().to_owned();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
        }
        drop(dir);
        assert!(!path.exists());
    }

    #[cfg(unix)]
    #[test]
    fn only_what_ended_processes_left_is_swept() {
        let memory = tempfile::tempdir().unwrap();
        let mut ended = std::process::Command::new("true").spawn().unwrap();
        let pid = ended.id();
        ended.wait().unwrap();
        let make = |name: String| {
            let path = memory.path().join(name);
            std::fs::create_dir(&path).unwrap();
            path
        };
        let left = make(format!("{PREFIX}{pid}-x"));
        let ours = make(format!("{PREFIX}{}-x", std::process::id()));
        let foreign = make(format!("other-{pid}-x"));
        sweep(memory.path());
        assert!(!left.exists() && ours.exists() && foreign.exists());
    }
}
