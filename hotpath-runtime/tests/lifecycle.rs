//! Processes that fork, threads that come and go, signals at any instant: what is counted stays right.
#![cfg(unix)]

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{self, Command, Output};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use std::{env, fs, thread};

use hotpath_runtime::__private::{Function, Site, awaited, call, exit, frame, site};
use hotpath_runtime::segment::reader::Segment;

mod ended;

macro_rules! functions {
    ($($table:ident $name:literal),* $(,)?) => {
        $(static $table: Function = Function::new(
            None, None, "lifecycle", $name, "", line!(), 1, false, &[Site::new("clone", 1, 1, "")],
        );)*
    };
}

functions! { WORK "work", OPEN "open", OTHER "other", HANDLER "handler", LATE "late" }

fn work(times: u64) {
    for _ in 0..times {
        let _call = call(&WORK);
        drop(exit(site(&WORK, 0), vec![0u8; 100]));
    }
}

fn join(threads: Vec<thread::JoinHandle<()>>) {
    for thread in threads {
        thread.join().unwrap();
    }
}

/// Ends a child of a fork as most do.
fn leave() -> ! {
    // SAFETY: no preconditions.
    unsafe { libc::_exit(0) }
}

/// Forks; the child runs `child` and leaves. Waits for it.
fn fork(child: impl FnOnce()) {
    // SAFETY: the child runs probes and leaves by `_exit`, or execs; what it allocates it does
    // through the system's allocator, which can do that after a fork.
    unsafe {
        let pid = libc::fork();
        if pid == 0 {
            child();
            leave();
        }
        wait(pid);
    }
}

fn wait(pid: libc::pid_t) {
    let mut status = 0;
    // SAFETY: there is room for the status.
    let waited = unsafe { libc::waitpid(pid, &raw mut status, 0) };
    assert_eq!((waited, status), (pid, 0));
}

/// What a child process does, by name.
fn scenario(name: &str) {
    work(1000);
    match name {
        "fork" => {
            let _open = call(&OPEN);
            // More than there is left to do: the child's lifetime must not have it.
            thread::sleep(Duration::from_millis(200));
            fork(|| work(5000));
            work(10);
        }
        "exit" => {
            let _open = call(&OPEN);
            fork(|| process::exit(0));
        }
        "pending" => pending(),
        "nested" => fork(|| {
            work(20);
            fork(|| work(300));
            work(1);
            fork(|| fork(|| work(4000)));
        }),
        "late" => late(),
        "threads" => fork_among_threads(),
        "thread in child" => fork(|| {
            let threads: Vec<_> = (0..4).map(|_| thread::spawn(|| work(2000))).collect();
            work(2000);
            join(threads);
        }),
        "exec" => {
            for _ in 0..3 {
                let mut command = Command::new("true");
                // SAFETY: does nothing; but it makes this a fork with its hooks.
                unsafe { command.pre_exec(|| Ok(())) };
                assert!(command.status().unwrap().success());
            }
            assert!(Command::new("true").status().unwrap().success());
        }
        "replace" => {
            let error = program("after exec").exec();
            panic!("{error}");
        }
        "handler" => fork_in_handlers(),
        "signals" => signals(),
        "closed" => closed_descriptors(),
        "unwinding" => unwinding(),
        "outlived" => {
            static COUNTING: AtomicU64 = AtomicU64::new(0);
            // Never joined: they count while the exit hooks run.
            for _ in 0..4 {
                thread::spawn(|| {
                    work(1);
                    COUNTING.fetch_add(1, Relaxed);
                    loop {
                        work(1);
                    }
                });
            }
            while COUNTING.load(Relaxed) < 4 {
                thread::yield_now();
            }
        }
        "exit in thread" => {
            let _open = call(&OPEN);
            let _ = thread::spawn(|| {
                let _open = call(&OTHER);
                work(1);
                process::exit(7);
            })
            .join();
        }
        "_exit" => leave(),
        "churn" => churn(if is_short() { 100 } else { 10_000 }),
        "long churn" => {
            churn(1_000);
            let before = resident();
            churn(99_000);
            let after = resident();
            println!("resident: {before} KiB after 1,000 threads, {after} KiB after 100,000");
            assert!(after < before + 1024, "{before} KiB, then {after} KiB");
        }
        "deep" => deep(if is_short() { 10_000 } else { 1_000_000 }),
        "many" => {
            drop(call(&OTHER));
            let before = mapped();
            for _ in 0..if is_short() { 10_000 } else { 10_000_000 } {
                drop(call(&OTHER));
            }
            work(100);
            assert_eq!(mapped(), before);
        }
        _ => {}
    }
}

/// The child first counts when the parent has long gone on.
static TASK: Function =
    Function::new(None, None, "lifecycle", "task", "", 1, 1, true, &[Site::new("await", 1, 1, "")]);

/// Forks while futures wait, long after they began to; in the child one comes to its end, and one is
/// dropped.
fn pending() {
    let mut context = Context::from_waker(Waker::noop());
    let pend = || {
        let mut polls = 0;
        poll_fn(move |_| {
            polls += 1;
            if polls == 1 { Poll::Pending } else { Poll::Ready(()) }
        })
    };
    let task = || Box::pin(frame(&TASK, awaited(&TASK, 0, pend())));
    let (mut ends, mut dropped) = (task(), task());
    assert!(ends.as_mut().poll(&mut context).is_pending());
    assert!(dropped.as_mut().poll(&mut context).is_pending());
    // Far longer than the child lives.
    thread::sleep(Duration::from_secs(1));
    fork(|| {
        assert!(ends.as_mut().poll(&mut context).is_ready());
        drop(dropped);
        process::exit(0);
    });
}

fn late() {
    let mut pipe = [0; 2];
    let mut byte = 0u8;
    // SAFETY: the child runs probes and leaves by `_exit`; the descriptors are our own, and there
    // is room for the byte.
    unsafe {
        assert_eq!(libc::pipe(pipe.as_mut_ptr()), 0);
        let pid = libc::fork();
        if pid == 0 {
            libc::read(pipe[0], (&raw mut byte).cast(), 1);
            work(5000);
            leave();
        }
        for _ in 0..1000 {
            let new = Function::new(None, None, "lifecycle", "new", "", 1, 1, false, &[]);
            drop(call(Box::leak(Box::new(new))));
        }
        libc::write(pipe[1], (&raw const byte).cast(), 1);
        wait(pid);
    }
}

/// Forks from a thread while others register, grow their trees and end.
fn fork_among_threads() {
    static STOP: AtomicBool = AtomicBool::new(false);
    static MADE: AtomicU64 = AtomicU64::new(0);
    let churn = || {
        while !STOP.load(Relaxed) {
            let grow = || {
                for _ in 0..50 {
                    // Not for ever: each fork copies them all.
                    if MADE.fetch_add(1, Relaxed) < 300 {
                        let new =
                            Function::new(None, None, "lifecycle", "new", "", 1, 1, false, &[]);
                        drop(call(Box::leak(Box::new(new))));
                    }
                    work(1);
                }
            };
            thread::spawn(grow).join().unwrap();
        }
    };
    let threads: Vec<_> = (0..3).map(|_| thread::spawn(churn)).collect();
    thread::spawn(|| {
        for _ in 0..if is_short() { 2 } else { 10 } {
            fork(|| {
                let _other = call(&OTHER);
                work(100);
                thread::spawn(|| work(100)).join().unwrap();
            });
        }
    })
    .join()
    .unwrap();
    STOP.store(true, Relaxed);
    join(threads);
}

static TICKS: AtomicU64 = AtomicU64::new(0);

/// Has `handler` run a thousand times a second of the process's own time.
fn alarm(handler: extern "C" fn(libc::c_int)) {
    let handler = handler as extern "C" fn(libc::c_int) as *const () as libc::sighandler_t;
    let every = libc::timeval { tv_sec: 0, tv_usec: 1000 };
    let timer = libc::itimerval { it_interval: every, it_value: every };
    // SAFETY: the handler is a static function of this signature; the structures are valid, and
    // zero is a value of `sigaction`.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = handler;
        action.sa_flags = libc::SA_RESTART;
        assert_eq!(libc::sigaction(libc::SIGALRM, &raw const action, std::ptr::null_mut()), 0);
        assert_eq!(libc::setitimer(libc::ITIMER_REAL, &raw const timer, std::ptr::null_mut()), 0);
    }
}

fn no_alarm() {
    let never = libc::timeval { tv_sec: 0, tv_usec: 0 };
    let timer = libc::itimerval { it_interval: never, it_value: never };
    // SAFETY: the structure is valid.
    unsafe { libc::setitimer(libc::ITIMER_REAL, &raw const timer, std::ptr::null_mut()) };
}

/// How many signals count.
const HANDLED: u64 = 300;

/// Counts, and runs the hook of the allocator. It does not allocate: the thread may have been
/// interrupted in the system's allocator.
extern "C" fn count_in_handler(_: libc::c_int) {
    // Where one takes longer than the timer, nothing else would get on.
    if TICKS.fetch_add(1, Relaxed) >= HANDLED {
        return;
    }
    let _call = call(&HANDLER);
    exit(site(&HANDLER, 0), ());
    // The first time round it is the handler that finds and makes the node.
    let _work = call(&WORK);
    hook_of_allocator();
}

/// What the counting allocator does around an allocation, without one.
fn hook_of_allocator() {
    use std::alloc::{GlobalAlloc, Layout};
    struct Nothing;
    // SAFETY: never gives memory; the caller below asks for none it uses.
    unsafe impl GlobalAlloc for Nothing {
        unsafe fn alloc(&self, _: Layout) -> *mut u8 {
            std::ptr::dangling_mut()
        }
        unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
    }
    static COUNTING: hotpath_runtime::Allocator<Nothing> = hotpath_runtime::Allocator::new(Nothing);
    let layout = Layout::new::<u64>();
    // SAFETY: the block is not used, and goes back where it came from.
    unsafe { COUNTING.dealloc(COUNTING.alloc(layout), layout) };
}

fn signals() {
    alarm(count_in_handler);
    while TICKS.load(Relaxed) < HANDLED {
        // Cold paths all the time: new functions, new nodes, new threads.
        let new = Function::new(None, None, "lifecycle", "new", "", 1, 1, false, &[]);
        let _outer = call(Box::leak(Box::new(new)));
        work(100);
        thread::spawn(|| work(100)).join().unwrap();
    }
    no_alarm();
}

/// How many signals fork.
const FORKS: u64 = 30;

extern "C" fn fork_in_handler(_: libc::c_int) {
    // Where a fork takes longer than the timer (sanitizers), nothing else would get on.
    if TICKS.fetch_add(1, Relaxed) >= FORKS {
        return;
    }
    // SAFETY: the child counts, which takes nothing of the interrupted thread, and leaves.
    unsafe {
        let pid = libc::fork();
        if pid == 0 {
            let _call = call(&HANDLER);
            exit(site(&HANDLER, 0), ());
            leave();
        }
        let mut status = 0;
        while libc::waitpid(pid, &raw mut status, 0) < 0 {}
        if status != 0 {
            libc::abort();
        }
    }
}

/// Forks wherever a signal happens to come, in cold paths too.
fn fork_in_handlers() {
    alarm(fork_in_handler);
    let mut made = 0;
    while TICKS.load(Relaxed) < FORKS {
        // Cold paths all the time; but not for ever, since each fork copies what they make.
        made += 1;
        let new = Function::new(None, None, "lifecycle", "new", "", 1, 1, false, &[]);
        let _outer = (made < 300).then(|| call(Box::leak(Box::new(new))));
        thread::spawn(|| work(1)).join().unwrap();
    }
    no_alarm();
}

/// The program closes all descriptors, as daemons do, and opens a file of its own.
fn closed_descriptors() {
    let path = PathBuf::from(env::var_os("CARGO_HOTPATH_DIR").unwrap()).join("own");
    for descriptor in 3..64 {
        // SAFETY: nothing of this process is needed any more but the streams.
        unsafe { libc::close(descriptor) };
    }
    let files: Vec<_> =
        (0..40).map(|i| fs::File::create(path.with_extension(format!("{i}"))).unwrap()).collect();
    // More than the first chunk of the file holds.
    for _ in 0..500 {
        let new = Function::new(None, None, "lifecycle", "new", "", 1, 1, false, &[]);
        drop(call(Box::leak(Box::new(new))));
    }
    for file in files {
        assert_eq!(file.metadata().unwrap().len(), 0);
    }
}

/// Whether a tool runs this that makes it many times slower.
fn is_short() -> bool {
    env::var_os("LIFECYCLE_SHORT").is_some()
}

/// So many short threads, 8 at a time.
fn churn(threads: usize) {
    for _ in 0..threads.div_ceil(8) {
        let threads: Vec<_> = (0..8).map(|_| thread::spawn(|| work(1))).collect();
        join(threads);
    }
}

/// Memory of this process that is there, in KiB; 0 where the system does not say so.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok()).unwrap_or(0)
}

/// A recursion this deep, whose frames are all open at once.
fn deep(depth: u64) {
    fn down(depth: u64) {
        let _call = call(&OTHER);
        if depth > 1 {
            down(depth - 1);
        }
    }
    let thread = thread::Builder::new().stack_size(depth as usize * 1024);
    thread.spawn(move || down(depth)).unwrap().join().unwrap();
}

/// Bytes of address space that may be touched.
fn mapped() -> u64 {
    let maps = fs::read_to_string("/proc/self/maps").unwrap_or_default();
    let sizes = maps.lines().filter_map(|line| {
        let (range, rest) = line.split_once(' ')?;
        let (from, to) = range.split_once('-')?;
        let size = u64::from_str_radix(to, 16).ok()? - u64::from_str_radix(from, 16).ok()?;
        (!rest.starts_with("---")).then_some(size)
    });
    sizes.sum()
}

/// Measured code in destructors of thread-locals, and in `Drop` while a panic unwinds.
fn unwinding() {
    struct Late;
    impl Drop for Late {
        fn drop(&mut self) {
            let _call = call(&LATE);
            drop(exit(site(&LATE, 0), vec![1u8; 10]));
        }
    }
    thread_local! {
        static KEPT: RefCell<Vec<Late>> = const { RefCell::new(Vec::new()) };
    }
    for _ in 0..10 {
        let ended = thread::spawn(|| {
            KEPT.with_borrow_mut(|kept| kept.push(Late));
            let _open = call(&OPEN);
            let _late = Late;
            // No message: the exit's stderr is looked at.
            std::panic::resume_unwind(Box::new(()));
        })
        .join();
        assert!(ended.is_err());
    }
}

/// Runs inside of children only.
#[test]
fn child() {
    if let Ok(name) = env::var("LIFECYCLE_SCENARIO") {
        scenario(&name);
    }
}

struct Ran {
    directory: PathBuf,
    output: Output,
}

impl Drop for Ran {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// This program, to run `name` in a process of its own.
fn program(name: &str) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command
        .args(["--exact", "child", "--test-threads=1", "--nocapture"])
        .env("LIFECYCLE_SCENARIO", name);
    command
}

fn run(name: &str) -> Ran {
    let directory = env::temp_dir().join(format!("hotpath-lifecycle-{name}-{}", process::id()));
    fs::create_dir_all(&directory).unwrap();
    let output = program(name).env("CARGO_HOTPATH_DIR", &directory).output().unwrap();
    Ran { directory, output }
}

impl Ran {
    /// The segments, oldest first, of a run that ended well.
    fn segments(&self) -> Vec<Segment> {
        assert!(self.output.status.success(), "{:?}", self.output);
        assert!(self.output.stderr.is_empty(), "{:?}", self.output);
        self.left()
    }

    /// Of `all` forked children that counted nothing, none left a file where that may do without a name.
    #[cfg(target_os = "linux")]
    fn assert_untold(&self, all: usize) {
        let files = fs::read_dir(&self.directory).unwrap().map(|entry| entry.unwrap().path());
        let untold = files.filter(|path| is_untold(&fs::read(path).unwrap())).count();
        assert_eq!(untold, if has_unnamed_files() { 0 } else { all });
    }

    fn left(&self) -> Vec<Segment> {
        let mut segments: Vec<Segment> = Vec::new();
        for entry in fs::read_dir(&self.directory).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            assert!(!name.contains("failed"), "{name}");
            if !name.ends_with(".segment") {
                continue;
            }
            let bytes = fs::read(&path).unwrap();
            if is_untold(&bytes) && !has_unnamed_files() {
                continue;
            }
            let segment = ended::read(&bytes).unwrap();
            assert!(name.starts_with(&format!("{}-", segment.process.pid)), "{name}");
            segments.push(segment);
        }
        segments.sort_by_key(|segment| segment.clock.start.monotonic_ns);
        segments
    }
}

/// Whether nothing was counted into the segment of a forked child: it has no header before.
fn is_untold(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0; 8])
}

/// Whether a child's file may do without a name until it counts. Elsewhere it has one at once.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn has_unnamed_files() -> bool {
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = fs::OpenOptions::new();
    options.read(true).write(true).custom_flags(libc::O_TMPFILE);
    options.open(env::temp_dir()).is_ok()
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn has_unnamed_files() -> bool {
    false
}

/// Calls and open calls of a function.
fn calls(segment: &Segment, name: &str) -> (u64, u64) {
    let nodes = segment.slabs.iter().flat_map(|slab| &slab.nodes);
    let of = nodes.filter(|n| n.function.is_some_and(|i| segment.functions[i].name == name));
    of.fold((0, 0), |(calls, open), node| (calls + node.calls, open + node.open))
}

/// Executions of the site in `work`, and allocations in it.
fn executions(segment: &Segment) -> (u64, u64) {
    let rows = segment.slabs.iter().flat_map(|slab| &slab.rows);
    let of = rows.filter(|row| segment.functions[row.function].name == "work");
    of.fold((0, 0), |(count, allocs), row| (count + row.count, allocs + row.allocs.count))
}

#[test]
fn a_forked_child_counts_into_a_file_of_its_own() {
    let ran = run("fork");
    let segments = ran.segments();
    let [parent, child] = &segments[..] else { panic!("{segments:#?}") };
    assert_eq!(calls(parent, "work"), (1010, 0));
    assert_eq!(executions(parent), (1010, 1010));
    assert_eq!(calls(child, "work"), (5000, 0));
    assert_eq!(executions(child), (5000, 5000));
    assert_eq!(child.process.parent_pid, parent.process.pid);
    assert_ne!(child.process.pid, parent.process.pid);
    assert_eq!((parent.process.exited, child.process.exited), (true, false));
    // Open at the fork: counted in both, and in the child from then on only.
    assert_eq!((calls(parent, "open"), calls(child, "open")), ((1, 0), (1, 1)));
    assert!(child.clock.start.ticks > parent.clock.start.ticks);
    for slab in &child.slabs {
        let nodes = || slab.nodes.iter().filter(|node| node.parent == Some(0));
        assert_eq!(nodes().map(|node| node.open).sum::<u64>(), 1);
        assert!(nodes().all(|node| node.sum <= slab.lifetime), "{slab:#?}");
        // It began with the fork, and the parent waited for it. What is known of its end is what it measured,
        // which is an estimate.
        let whole = parent.clock.end.ticks - child.clock.start.ticks;
        let error = slab.nodes.iter().map(|node| node.variance).sum::<f64>().sqrt();
        assert!(
            slab.lifetime as f64 <= whole as f64 + 5.0 * error,
            "{whole} +- {error}: {slab:#?}"
        );
    }
    // What is distributed is what was timed, of this process.
    let timed: u64 = child.slabs[0].nodes.iter().map(|node| node.timed).sum();
    assert!((1024..=5000).contains(&timed), "{timed}");
    let (parents, childs) = (parent.memory.unwrap(), child.memory.unwrap());
    // The blocks that it was born with are there.
    assert!(childs.live_bytes > 0, "{childs:?} {parents:?}");
    assert_eq!(parent.process.command, child.process.command);
}

#[test]
fn a_forked_child_that_exits_closes_its_segment_and_prints_nothing() {
    let ran = run("exit");
    let segments = ran.segments();
    let [parent, child] = &segments[..] else { panic!("{segments:#?}") };
    assert!(parent.process.exited && child.process.exited);
    assert_eq!((calls(child, "work"), calls(child, "open")), ((0, 0), (1, 1)));
}

#[test]
fn futures_that_pend_at_a_fork_have_waited_in_the_child_since_then() {
    let ran = run("pending");
    let segments = ran.segments();
    let [_, child] = &segments[..] else { panic!("{segments:#?}") };
    let slab = &child.slabs[0];
    let of = |function: Option<usize>| function.is_some_and(|i| child.functions[i].name == "task");
    let node = slab.nodes.iter().find(|node| of(node.function)).expect("it was polled");
    assert_eq!(node.cancelled, 1);
    assert!(node.wait > 0 && node.wait <= 2 * slab.lifetime, "{node:?} {}", slab.lifetime);
    let row = slab.rows.iter().find(|row| of(Some(row.function))).expect("it was polled");
    assert_eq!(row.cancelled, 1);
    assert!(row.wait > 0 && row.wait <= 2 * slab.lifetime, "{row:?} {}", slab.lifetime);
}

#[cfg(target_os = "linux")]
#[test]
fn children_of_children_have_files_of_their_own() {
    let ran = run("nested");
    let segments = ran.segments();
    let counted: Vec<_> = segments.iter().map(|segment| calls(segment, "work")).collect();
    // The child in the middle of the last chain did nothing but fork.
    assert_eq!(counted, [(1000, 0), (21, 0), (300, 0), (4000, 0)]);
    assert_eq!(segments[2].process.parent_pid, segments[1].process.pid);
    ran.assert_untold(1);
}

#[test]
fn a_child_that_counts_late_counts_right() {
    let ran = run("late");
    let counted: Vec<_> = ran.segments().iter().map(|segment| calls(segment, "work")).collect();
    assert_eq!(counted, [(1000, 0), (5000, 0)]);
}

#[test]
fn forks_among_busy_threads_lose_nothing() {
    let ran = run("threads");
    let segments = ran.segments();
    assert_eq!(segments.len(), 11);
    for child in &segments[1..] {
        assert_eq!(calls(child, "work"), (200, 0));
        assert_eq!(executions(child), (200, 200));
        assert_eq!(calls(child, "other").0, 1);
        assert_eq!(calls(child, "new"), (0, 0));
    }
}

#[test]
fn threads_of_a_forked_child_are_counted() {
    let ran = run("thread in child");
    let counted: Vec<_> = ran.segments().iter().map(|segment| calls(segment, "work")).collect();
    assert_eq!(counted, [(1000, 0), (10_000, 0)]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_child_that_only_execs_leaves_nothing() {
    let ran = run("exec");
    assert_eq!(ran.segments().len(), 1);
    ran.assert_untold(3);
    let untold = if has_unnamed_files() { 0 } else { 3 };
    assert_eq!(fs::read_dir(&ran.directory).unwrap().count(), 1 + untold);
}

#[test]
fn a_process_that_execs_leaves_what_it_had_counted() {
    let ran = run("replace");
    let segments = ran.segments();
    let [before, after] = &segments[..] else { panic!("{segments:#?}") };
    assert_eq!(before.process.pid, after.process.pid);
    assert_eq!((before.process.exited, after.process.exited), (false, true));
    assert_eq!((calls(before, "work"), calls(after, "work")), ((1000, 0), (1000, 0)));
}

#[test]
fn forks_in_signal_handlers_hurt_nobody() {
    let ran = run("handler");
    let segments = ran.segments();
    assert!(segments.len() > 1);
    for child in &segments[1..] {
        assert_eq!(calls(child, "handler").0, 1);
        assert!(calls(child, "work").0 <= 1);
    }
}

#[test]
fn signal_handlers_that_count_hurt_nobody() {
    let ran = run("signals");
    let segment = &ran.segments()[0];
    let (work, _) = calls(segment, "work");
    let (new, _) = calls(segment, "new");
    // Each handler may have lost one count of the function that it interrupted, and its own.
    let (plain, handlers) = (1000 + 200 * new, 2 * HANDLED);
    assert!(work + handlers >= plain && work <= plain + handlers, "{work} of {plain}");
    assert!(calls(segment, "handler").0 <= HANDLED);
    assert_eq!(segment.overflowed, 0);
    assert_eq!(calls(segment, "new").1 + calls(segment, "work").1, 0);
    for slab in &segment.slabs {
        for node in slab.nodes.iter().filter(|node| node.parent == Some(0)) {
            assert!(node.sum <= segment.clock.end.ticks - segment.clock.start.ticks, "{node:?}");
        }
    }
}

#[test]
fn descriptors_that_the_program_closed_are_not_ours() {
    let ran = run("closed");
    let segment = &ran.segments()[0];
    assert!(segment.private_bytes > 0);
    assert_eq!(calls(segment, "work"), (1000, 0));
}

#[test]
fn destructors_are_counted_at_the_end_of_threads_and_while_a_panic_unwinds() {
    let ran = run("unwinding");
    let segment = &ran.segments()[0];
    assert_eq!((calls(segment, "late"), calls(segment, "open")), ((20, 0), (10, 0)));
}

#[test]
fn short_threads_leave_no_memory_behind() {
    assert_no_memory_left_by(&run("churn"), 10_000);
}

/// With what it printed: `cargo test --package hotpath-runtime --features global-allocator,reader
/// --test lifecycle -- --ignored --nocapture`.
#[test]
#[ignore = "100,000 threads take half a minute"]
fn a_hundred_thousand_threads_leave_no_memory_behind() {
    let ran = run("long churn");
    println!("{}", String::from_utf8_lossy(&ran.output.stdout));
    for entry in fs::read_dir(&ran.directory).unwrap() {
        let file = entry.unwrap().metadata().unwrap();
        println!("segment: {} bytes, {} blocks of 512 bytes", file.len(), file.blocks());
        // The first chunk is all that it ever had.
        assert_eq!(file.len(), 1 << 20);
    }
    assert_no_memory_left_by(&ran, 100_000);
}

fn assert_no_memory_left_by(ran: &Ran, threads: u64) {
    let segment = &ran.segments()[0];
    assert_eq!(calls(segment, "work"), (1000 + threads, 0));
    assert!(segment.slabs.iter().map(|slab| slab.threads).sum::<u64>() > threads);
    // 8 at a time, and those that had not quite ended when the next ones began.
    assert!(segment.slabs.len() <= 40, "{}", segment.slabs.len());
    println!("{} slabs for {threads} threads", segment.slabs.len());
    assert_eq!(segment.private_bytes, 0);
}

#[test]
fn a_recursion_of_a_million_calls_has_two_nodes() {
    let ran = run("deep");
    let segment = &ran.segments()[0];
    assert_eq!(calls(segment, "other"), (1_000_000, 0));
    let nodes = segment.slabs.iter().flat_map(|slab| &slab.nodes);
    let of = nodes.filter(|n| n.function.is_some_and(|i| segment.functions[i].name == "other"));
    assert_eq!(of.count(), 2);
}

#[test]
fn calls_take_no_memory() {
    // The process itself looks at its mappings before and after.
    let ran = run("many");
    let segment = &ran.segments()[0];
    assert_eq!((calls(segment, "other"), calls(segment, "work")), ((10_000_001, 0), (1_100, 0)));
}

#[test]
fn threads_may_outlive_main() {
    let ran = run("outlived");
    let segment = &ran.segments()[0];
    assert!(segment.process.exited);
    assert!(calls(segment, "work").0 >= 1004);
}

#[test]
fn any_thread_may_exit_the_process() {
    let ran = run("exit in thread");
    assert_eq!(ran.output.status.code(), Some(7));
    let segment = &ran.left()[0];
    assert!(segment.process.exited);
    assert_eq!(calls(segment, "work"), (1001, 0));
    assert_eq!((calls(segment, "open"), calls(segment, "other")), ((1, 1), (1, 1)));
    assert!(ran.output.stderr.is_empty());
}

#[test]
fn an_exit_without_hooks_leaves_the_counters() {
    let ran = run("_exit");
    let segment = &ran.segments()[0];
    assert!(!segment.process.exited);
    assert_eq!(calls(segment, "work"), (1000, 0));
}

#[test]
fn a_directory_that_is_gone_at_the_fork_changes_nothing() {
    let directory = env::temp_dir().join(format!("hotpath-lifecycle-gone-{}", process::id()));
    let output = program("fork").env("CARGO_HOTPATH_DIR", &directory).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    assert!(!directory.exists());
}
