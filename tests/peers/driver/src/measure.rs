//! All peers, in turn.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;

use crate::error::Error;
use crate::figures::Figures;
use crate::instructions;
use crate::peer::Peer;
use crate::table::Row;
use crate::workspace::{self, PROFILES};

/// Builds the peers and measures each, in both profiles.
pub(crate) fn all(peers: &[Peer], rounds: usize, directory: &Path) -> Result<Vec<Row>, Error> {
    build(peers)?;
    let row = |peer: &Peer| Row { peer: *peer, figures: <[Figures; 2]>::default() };
    let mut rows: Vec<Row> = peers.iter().map(row).collect();
    for round in 1..=rounds {
        eprintln!("round {round} of {rounds}");
        for (index, profile) in PROFILES.into_iter().enumerate() {
            for Row { peer, figures } in &mut rows {
                figures[index].time(peer, profile)?;
            }
        }
    }
    eprintln!("memory");
    for Row { peer, figures } in &mut rows {
        figures[0].grow(peer, PROFILES[0])?;
    }
    if instructions::can_count() {
        count(&mut rows, directory);
    } else {
        eprintln!("no valgrind here: instructions are not measured");
    }
    Ok(rows)
}

fn build(peers: &[Peer]) -> Result<(), Error> {
    // Some packages are peers twice, in different environments.
    let packages: BTreeSet<&str> = peers.iter().map(|peer| peer.package).collect();
    for profile in PROFILES {
        for package in &packages {
            eprintln!("building {package} ({profile})");
            workspace::build(package, profile)?;
        }
    }
    Ok(())
}

/// Counts instructions, of several peers at once: other load changes nothing.
fn count(rows: &mut [Row], directory: &Path) {
    let mut jobs = Vec::new();
    for (row, Row { peer, .. }) in rows.iter().enumerate() {
        for (profile, _) in PROFILES.iter().enumerate() {
            jobs.extend(peer.role.shapes().iter().map(|&shape| (row, *peer, profile, shape)));
        }
    }
    eprintln!("instructions");
    let (jobs, next) = (&jobs, &AtomicUsize::new(0));
    let work = || {
        let mut counts = Vec::new();
        loop {
            let index = next.fetch_add(1, Relaxed);
            let Some(&(row, peer, profile, shape)) = jobs.get(index) else { return counts };
            let out = directory.join(format!("callgrind-{index}"));
            let count = instructions::count(&peer, PROFILES[profile], shape, &out);
            counts.push((row, profile, shape, count));
        }
    };
    let counts: Vec<_> = thread::scope(|scope| {
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap_or_default()).collect()
    });
    for (row, profile, shape, count) in counts {
        let Row { peer, figures } = &mut rows[row];
        match count {
            Ok(count) => figures[profile].instructions.push((shape, count)),
            Err(error) => eprintln!("instructions of {} are not measured: {error}", peer.package),
        }
    }
}
