//! Whenever and wherever memory is allocated, it is counted once, and the program gets it.
#![cfg(unix)]

use std::alloc::{GlobalAlloc, Layout, System, alloc, alloc_zeroed, dealloc, realloc};
use std::cell::RefCell;
use std::hint::black_box;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::{env, fs, process, thread};

use hotpath_runtime::__private::{Function, Site, call, exit, grow, site};
use hotpath_runtime::Allocator;
use hotpath_runtime::segment::reader::{self, Allocs, Segment};

mod ended;

const fn function(name: &'static str) -> Function {
    Function::new(None, None, "heap", name, "", 1, 1, false, SITES)
}
const SITES: &[Site] = &[Site::new("clone", 1, 1, ""), Site::new("grow", 2, 1, "")];

static EARLY: Function = function("early");
static LATE: Function = function("late");
static WORK: Function = function("work");
static OTHER: Function = function("other");

/// Whether this is the child that looks at the ends of `main`.
fn is_around_main() -> bool {
    env::var("HEAP_SCENARIO").is_ok_and(|name| name == "around main")
}

/// Runs before `main`, and has `late` run after it: after the runtime's own hook, which is
/// installed at the first probe.
extern "C" fn early() {
    if is_around_main() {
        // SAFETY: a static function that takes nothing and does not unwind.
        unsafe { libc::atexit(late) };
        let _call = call(&EARLY);
        drop(black_box(vec![1u8; 33]));
    }
}

extern "C" fn late() {
    let _call = call(&LATE);
    drop(black_box(vec![1u8; 44]));
}

#[cfg_attr(any(target_os = "linux", target_os = "android"), unsafe(link_section = ".init_array"))]
#[cfg_attr(target_vendor = "apple", unsafe(link_section = "__DATA,__mod_init_func"))]
#[used]
static BEFORE_MAIN: extern "C" fn() = early;

/// In its destructor it allocates, frees and calls measured code.
struct Last(Vec<u8>);

impl Drop for Last {
    fn drop(&mut self) {
        let _call = call(&LATE);
        self.0 = black_box(vec![2u8; 55]);
    }
}

thread_local! {
    static LAST: RefCell<Option<Last>> = const { RefCell::new(None) };
}

fn in_a_thread_that_ends() {
    thread::spawn(|| {
        LAST.set(Some(Last(vec![1u8; 66])));
    })
    .join()
    .unwrap();
}

/// Allocates through the global allocator, and calls measured code, in the middle of its work.
struct Curious(AtomicBool);

// SAFETY: forwards to the system's allocator; what it does besides has ended before it does.
unsafe impl GlobalAlloc for Curious {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _call = call(&OTHER);
        drop(black_box(vec![3u8; 77]));
        assert!(!self.0.swap(true, Relaxed));
        // SAFETY: the caller's promises.
        let block = unsafe { System.alloc(layout) };
        self.0.store(false, Relaxed);
        block
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        let _call = call(&OTHER);
        drop(black_box(vec![3u8; 77]));
        // SAFETY: the caller's promises.
        unsafe { System.dealloc(block, layout) };
    }
}

/// More than one in so many operations is timed: both ways through the allocator are taken.
const TIMES: u64 = 2000;

fn inside_of_each_other() {
    static CURIOUS: Allocator<Curious> = Allocator::new(Curious(AtomicBool::new(false)));
    let _call = call(&WORK);
    let layout = Layout::new::<u64>();
    for _ in 0..TIMES {
        // SAFETY: a size over zero; freed once, by the same allocator.
        unsafe { CURIOUS.dealloc(CURIOUS.alloc(layout), layout) };
    }
}

fn freed_by_others() {
    let blocks: Vec<Box<[u8; 100]>> = {
        let _call = call(&WORK);
        (0..TIMES).map(|_| Box::new([1; 100])).collect()
    };
    thread::spawn(move || {
        let _call = call(&OTHER);
        drop(blocks);
    })
    .join()
    .unwrap();
}

/// Layouts that no allocator likes. What fails counts nothing.
fn odd_layouts() {
    let _call = call(&WORK);
    // More than a process has of addresses: on some processors that is more than on others.
    let least = if cfg!(target_arch = "x86_64") { 47 } else { 49 };
    for bits in [least, 52, 53, 54, 55, 60, 61, 62] {
        for size in [1usize << bits, (1 << bits) + 32] {
            let layout = Layout::from_size_align(size, 8).unwrap();
            for _ in 0..TIMES / 10 {
                // SAFETY: sizes over zero; there is nothing to free.
                unsafe { assert!(black_box(alloc(layout)).is_null()) };
                // SAFETY: as above.
                unsafe { assert!(black_box(alloc_zeroed(layout)).is_null()) };
            }
        }
    }
    let aligned = Layout::from_size_align(100, 1 << 14).unwrap();
    let large = Layout::from_size_align(1 << 26, 8).unwrap();
    let huge = 1usize << 62;
    // SAFETY: sizes over zero; each block is read where it is zeroed, and freed once.
    unsafe {
        let block = alloc(aligned);
        assert_eq!(block.addr() % (1 << 14), 0);
        assert!(black_box(realloc(block, aligned, huge)).is_null());
        dealloc(block, aligned);
        let zeroed = alloc_zeroed(large);
        assert!((0..1 << 26).step_by(4096).all(|i| *zeroed.add(i) == 0));
        dealloc(zeroed, large);
    }
}

/// Bytes that the scenario "leak" really keeps in the first site of `work`.
static KEPT: AtomicU64 = AtomicU64::new(0);

/// Keeps blocks of one site and those that another one grows; frees what a third function makes.
fn leak() {
    let mut kept = Vec::new();
    let mut grown = Vec::new();
    for i in 0..4000 {
        let _call = call(&WORK);
        let size = 500 + i % 1000;
        KEPT.fetch_add(size as u64, Relaxed);
        kept.push(exit(site(&WORK, 0), vec![1u8; size]));
        if i % 10 == 0 {
            let token = grow(&WORK, 1);
            let mut list = vec![1u8; 10];
            (1..=8).for_each(|power| list.resize(10 << power, 1));
            grown.push(exit(token, list));
        }
        let _other = call(&OTHER);
        drop(black_box(vec![1u8; 10_000]));
    }
    std::mem::forget((kept, grown));
    // SAFETY: a signal to ourselves.
    unsafe { libc::kill(libc::getpid(), libc::SIGKILL) };
}

/// Runs inside of children only.
#[test]
fn child() {
    match env::var("HEAP_SCENARIO").as_deref() {
        Ok("thread ends") => in_a_thread_that_ends(),
        Ok("inside") => inside_of_each_other(),
        Ok("others") => freed_by_others(),
        Ok("odd") => odd_layouts(),
        Ok("leak") => leak(),
        _ => {}
    }
}

fn run(name: &str, retained: Option<&str>) -> (Segment, Output) {
    let directory: PathBuf = env::temp_dir().join(format!(
        "hotpath-heap-{name}-{}-{}",
        retained.unwrap_or("off"),
        process::id()
    ));
    fs::create_dir_all(&directory).unwrap();
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", "child", "--test-threads=1"]).env("HEAP_SCENARIO", name);
    command.env("CARGO_HOTPATH_DIR", &directory).env_remove("CARGO_HOTPATH_RETAINED");
    if let Some(period) = retained {
        command.env("CARGO_HOTPATH_RETAINED", period);
    }
    let output = command.output().unwrap();
    let file = fs::read_dir(&directory).unwrap().next().unwrap().unwrap().path();
    let bytes = fs::read(file).unwrap();
    fs::remove_dir_all(&directory).unwrap();
    let segment = ended::read(&bytes).unwrap();
    (segment, output)
}

/// Both with and without a sample of live blocks, which takes the long way each time.
fn both(name: &str, check: impl Fn(&Segment)) {
    for retained in [None, Some("1000")] {
        let (segment, output) = run(name, retained);
        assert!(output.status.success(), "{output:?}");
        assert_eq!(segment.retained.is_some(), retained.is_some());
        check(&segment);
    }
}

/// Sums over all nodes of a function.
fn allocs(segment: &Segment, name: &str) -> Allocs {
    let is = |index: usize| segment.functions[index].name == name;
    let nodes = segment.slabs.iter().flat_map(|slab| &slab.nodes);
    nodes.filter(|node| node.function.is_some_and(is)).fold(Allocs::default(), |sum, node| Allocs {
        count: sum.count + node.allocs.count,
        bytes: sum.bytes + node.allocs.bytes,
        frees: sum.frees + node.allocs.frees,
        freed_bytes: sum.freed_bytes + node.allocs.freed_bytes,
        reallocs: sum.reallocs + node.allocs.reallocs,
        ..sum
    })
}

/// Count and bytes of allocations and of frees.
fn blocks(segment: &Segment, name: &str) -> [u64; 4] {
    let sum = allocs(segment, name);
    [sum.count, sum.bytes, sum.frees, sum.freed_bytes]
}

#[test]
#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
fn before_and_after_main() {
    both("around main", |segment| {
        assert_eq!(blocks(segment, "early"), [1, 33, 1, 33]);
        assert_eq!(blocks(segment, "late"), [1, 44, 1, 44]);
    });
}

#[test]
fn in_destructors_of_thread_locals() {
    both("thread ends", |segment| {
        // The assignment frees the old buffer; the new one goes after the call has ended.
        assert_eq!(blocks(segment, "late"), [1, 55, 1, 66]);
    });
}

#[test]
fn in_an_allocator_that_allocates() {
    both("inside", |segment| {
        assert_eq!(blocks(segment, "work"), [TIMES, 8 * TIMES, TIMES, 8 * TIMES]);
        let other = [2 * TIMES, 2 * 77 * TIMES, 2 * TIMES, 2 * 77 * TIMES];
        assert_eq!(blocks(segment, "other"), other);
    });
}

#[test]
fn frees_count_where_they_happen() {
    both("others", |segment| {
        let (work, other) = (allocs(segment, "work"), allocs(segment, "other"));
        assert_eq!((work.count, work.frees), (TIMES + 1, 0));
        assert_eq!((other.count, other.frees), (0, TIMES + 1));
        let memory = segment.memory.unwrap();
        let known: i64 = (segment.slabs.iter().flat_map(|slab| &slab.nodes))
            .map(|node| {
                let allocs = &node.allocs;
                (allocs.bytes + allocs.grown_bytes).cast_signed() - allocs.freed_bytes.cast_signed()
            })
            .sum();
        // Reallocations that shrink are not among the bytes that nodes count.
        assert!(memory.live_bytes <= known, "{memory:?} {known}");
        assert!(memory.live_bytes.unsigned_abs() < 1 << 20, "{memory:?}");
    });
}

#[test]
fn odd_sizes_fail_or_succeed_as_without_counting() {
    both("odd", |segment| {
        let large = 1 << 26;
        assert_eq!(blocks(segment, "work"), [2, 100 + large, 2, 100 + large]);
        assert_eq!(allocs(segment, "work").reallocs, 0);
        let memory = segment.memory.unwrap();
        assert!(memory.live_bytes.unsigned_abs() < 1 << 20, "{memory:?}");
        let peak = memory.peak_live_bytes;
        assert!(peak + memory.error_bytes >= large && peak < large + (1 << 20), "{memory:?}");
    });
}

/// Estimated bytes of a function's site, and their standard error.
fn estimate(segment: &Segment, function: &str, site: Option<usize>) -> (f64, f64) {
    let retained = segment.retained.as_ref().unwrap();
    let of = |block: &&reader::LiveBlock| {
        block.site == site
            && block.function.is_some_and(|index| segment.functions[index].name == function)
    };
    let (bytes, variance) = retained.blocks.iter().filter(of).fold((0.0, 0.0), |sum, block| {
        let p = retained.probability(block);
        let whole = block.size as f64 / p;
        (sum.0 + whole, sum.1 + (1.0 - p) * whole.powi(2))
    });
    (bytes, variance.sqrt())
}

#[test]
fn retained_bytes_are_estimated_by_site_though_the_process_is_killed() {
    let (segment, _) = run("leak", Some("4000"));
    // 4,000 blocks of 500 to 1,499 bytes; 400 that grew to 2,560.
    for (site, real) in [(0, 3_998_000.0), (1, 400.0 * 2560.0)] {
        let (bytes, error) = estimate(&segment, "work", Some(site));
        assert!(error > 0.0 && error < 0.1 * real, "{error}");
        assert!((bytes - real).abs() < 5.0 * error, "site {site}: {bytes} +- {error}");
    }
    assert!(estimate(&segment, "other", None).0.abs() < f64::EPSILON);
    let retained = segment.retained.as_ref().unwrap();
    assert_eq!((retained.period, retained.dropped), (4000, 0));
    // Of one thread.
    let sites = || retained.blocks.iter().filter(|block| block.site.is_some());
    let born = || sites().map(|block| block.born);
    let (first, last) = (born().min().unwrap(), born().max().unwrap());
    let clock = &segment.clock;
    assert!(clock.start.ticks <= first && first < last && last <= clock.end.ticks, "{clock:?}");
}

#[test]
fn a_sample_of_operations_is_timed_by_size() {
    let (segment, _) = run("leak", None);
    assert!(segment.retained.is_none());
    let class = segment.allocator.iter().find(|class| class.bytes == 16_384).unwrap();
    // 4,000 of 10,000 bytes, of which one in 256 is timed.
    for cost in [class.allocs, class.frees] {
        assert!((1..80).contains(&cost.timed), "{class:?}");
        assert!(cost.ticks > 0 && cost.squares > 0.0, "{class:?}");
    }
    let timed: u64 = segment.allocator.iter().map(|class| class.allocs.timed).sum();
    assert!((10..150).contains(&timed), "{timed}");
}
