//! Four threads simulate dice games; a counter says how far they are.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use accuracy::{Random, is_fixed};

const THREADS: u64 = 4;
const GAMES: u64 = 20_000_000;

#[derive(Default)]
struct Progress {
    games: Mutex<u64>,
    games_atomic: AtomicU64,
}

impl Progress {
    fn add(&self) {
        // culprit
        *self.games.lock().expect("no player panicked") += 1;
    }

    fn add_atomically(&self) {
        self.games_atomic.fetch_add(1, Ordering::Relaxed);
    }
}

fn main() {
    let progress = Progress::default();
    let fixed = is_fixed();
    let wins: u64 = thread::scope(|scope| {
        let play = |seed| {
            let progress = &progress;
            scope.spawn(move || play_all(&mut Random::new(seed), progress, fixed))
        };
        let players: Vec<_> = (0..THREADS).map(play).collect();
        players.into_iter().map(|player| player.join().expect("no player panicked")).sum()
    });
    let games = *progress.games.lock().expect("no player panicked");
    println!("{wins} of {}", games + progress.games_atomic.load(Ordering::Relaxed));
}

fn play_all(random: &mut Random, progress: &Progress, fixed: bool) -> u64 {
    let mut wins = 0;
    for _ in 0..GAMES / THREADS {
        wins += u64::from(play(random));
        if fixed { progress.add_atomically() } else { progress.add() }
    }
    wins
}

/// Craps: wins with 7 or 11 at first, or with the first sum again before a 7.
fn play(random: &mut Random) -> bool {
    let first = roll(random);
    match first {
        7 | 11 => true,
        2 | 3 | 12 => false,
        point => loop {
            match roll(random) {
                7 => return false,
                sum if sum == point => return true,
                _ => {}
            }
        },
    }
}

fn roll(random: &mut Random) -> usize {
    2 + random.below(6) + random.below(6)
}
