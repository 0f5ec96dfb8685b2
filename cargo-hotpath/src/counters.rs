//! The private directory in which the workload's processes leave their counters.

use std::io;
use std::path::Path;

use tempfile::TempDir;

/// Free space below which memory is left to others: one process's segment is far smaller.
#[cfg(target_os = "linux")]
const ROOM_BYTES: u64 = 64 << 20;

/// Makes it in memory where there is room, else in the run's directory; mode 0700, gone when dropped.
pub fn directory(run: &Path) -> io::Result<TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("cargo-hotpath-");
    if let Some(memory) = memory()
        && let Ok(dir) = builder.tempdir_in(memory)
    {
        return Ok(dir);
    }
    builder.tempdir_in(run)
}

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
}
