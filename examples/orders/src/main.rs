//! Serves orders. Seven faults are planted in it; a profiler should find them:
//!
//! - `n-plus-one` in `history.rs`: `one_by_one` asks the database for the lines of each order
//!   (`n-plus-one`).
//! - `sequential` in `quote.rs`: `in_turn` asks two services one after the other
//!   (`sequential-awaits`).
//! - `guard` in `stock.rs`: `reserve_locked` holds a lock while a service is asked
//!   (`guard-across-await`).
//! - `blocking` in `label.rs`: `print` makes a thread of the runtime sleep (`blocking-in-async`).
//! - `spawn` in `offers.rs`: `in_tasks` makes a task for each price (`spawn-per-item`).
//! - `hasher` in `trending.rs`: `count` hashes numbers with the default hasher
//!   (`default-hasher-hot`).
//! - `channel` in `notifier.rs`: `unbounded` makes a queue that grows, as its reader is slow
//!   (`unbounded-channel`). What it costs is memory.
//!
//! `--fix NAME` takes the twin without that fault; the answers are the same either way.
//! `README.md` says what each fix gains.

use std::env;
use std::error::Error as _;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;

use orders::client::{self, Until};
use orders::error::Error;
use orders::fix::Fixes;
use orders::options::{Command, HELP};
use orders::server::Server;
use tokio::runtime::{Builder, Runtime};

/// Threads that answer while the program loads itself: the same on every machine.
const WORKERS: usize = 2;

fn main() -> ExitCode {
    let command = match Command::parse(env::args_os().skip(1)) {
        Ok(command) => command,
        Err(error) => {
            eprintln!("orders: {error}");
            return ExitCode::from(2);
        }
    };
    let done = match command {
        Command::Help => {
            println!("{HELP}");
            Ok(())
        }
        Command::Serve { address, fixes } => serve(address, fixes),
        Command::Load { until, connections, fixes } => load(until, connections, fixes),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error);
            ExitCode::FAILURE
        }
    }
}

/// Serves until the program is told to stop, on as many threads as there are cores.
fn serve(address: SocketAddr, fixes: Fixes) -> Result<(), Error> {
    let runtime = Runtime::new().map_err(Error::Runtime)?;
    runtime.block_on(async {
        let server = Server::start(address, fixes).await?;
        println!("listening on {}", server.address());
        told_to_stop().await.map_err(Error::Runtime)?;
        server.stop().await
    })
}

#[cfg(unix)]
async fn told_to_stop() -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted,
        _ = terminate.recv() => Ok(()),
    }
}

#[cfg(not(unix))]
async fn told_to_stop() -> io::Result<()> {
    tokio::signal::ctrl_c().await
}

/// Serves on a free port, and loads that from a thread of its own.
fn load(until: Until, connections: usize, fixes: Fixes) -> Result<(), Error> {
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let service = Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .enable_all()
        .build()
        .map_err(Error::Runtime)?;
    let people = Builder::new_current_thread().enable_all().build().map_err(Error::Runtime)?;
    let server = service.block_on(Server::start(any, fixes))?;
    let (tally, took) = people.block_on(client::load(server.address(), connections, until))?;
    let letters = server.letters();
    service.block_on(server.stop())?;
    let (requests, seconds) = (tally.requests(), took.as_secs_f64());
    print!("{tally}");
    println!("{} letters written, {} of them sent", letters.written, letters.sent);
    println!(
        "{requests} requests in {seconds:.3} s on {connections} connections: {:.1} requests/s",
        requests as f64 / seconds
    );
    Ok(())
}

fn complain(error: &Error) {
    eprint!("orders: {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        eprint!(": {error}");
        cause = error.source();
    }
    eprintln!();
}
