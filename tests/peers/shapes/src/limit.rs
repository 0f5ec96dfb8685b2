//! The least that a probe with a clock can do: two raw readings of it, and an addition to each of
//! two thread-locals.

use std::cell::Cell;

thread_local! {
    static CALLS: Cell<u64> = const { Cell::new(0) };
    static TICKS: Cell<u64> = const { Cell::new(0) };
}

/// Open from [`Probe::enter`] until it is dropped.
#[derive(Debug)]
pub struct Probe(u64);

impl Probe {
    #[inline(always)]
    pub fn enter() -> Self {
        Self(ticks())
    }
}

impl Drop for Probe {
    #[inline(always)]
    fn drop(&mut self) {
        let span = ticks().wrapping_sub(self.0);
        add(span);
    }
}

/// Counts a call that took `span`. `try_with`, as `with` isn't inlined without LTO.
#[inline(always)]
pub fn add(span: u64) {
    let _ = CALLS.try_with(|calls| calls.set(calls.get() + 1));
    let _ = TICKS.try_with(|ticks| ticks.set(ticks.get().wrapping_add(span)));
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn ticks() -> u64 {
    // SAFETY: every x86-64 processor has the instruction; where the system forbids it, the
    // program ends.
    unsafe { core::arch::x86_64::_rdtsc() }
}

#[cfg(target_arch = "aarch64")]
#[inline(always)]
fn ticks() -> u64 {
    let ticks;
    // SAFETY: reads a register that the systems we run on let programs read.
    unsafe { core::arch::asm!("mrs {}, cntvct_el0", out(reg) ticks, options(nomem, nostack)) };
    ticks
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
compile_error!("the limit is two readings of a processor's own clock: say how it is read here");
