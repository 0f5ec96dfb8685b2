//! The probes of expressions: spans inside of measured calls.
//!
//! A span opens and closes in one of two ways. The short one is inlined, and is that of nearly every
//! execution in a hot loop: the row is the one that the site leads to, and the time is not taken. All
//! else is called, so that the code around it stays small enough to be inlined itself, with its
//! registers to itself.
//!
//! What the expansion names is not inlined where nothing is optimised, as in [`probe`](crate::probe).

use core::marker::PhantomData;
use core::mem;

use crate::row::{self, Type};
use crate::segment::layout::{Row, Slab, Span};
use crate::site::Function;
use crate::{clock, outcome, slab, span};

/// An open expression span; closes when it goes, so that a panic, `?` or `break` closes it too.
#[must_use]
#[derive(Debug)]
pub struct Token {
    slab: &'static Slab,
    level: u64,
    /// Where it opened the short way.
    span: Option<&'static Span>,
    /// That of the receiver's type, where that is the type; else the one that the site leads to.
    row: Option<&'static Row>,
    function: &'static Function,
    site: Site,
    /// Whether its time is taken.
    is_running: bool,
    not_send: PhantomData<*const ()>,
}

/// Which expression of a function it is, and how it is measured. In C's layout it fits a register.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
struct Site {
    index: u32,
    /// Whether its type is the receiver's, which is known when it opens.
    has_type: bool,
    /// Whether its spans are timed; else they are counted only.
    is_timed: bool,
}

/// Opens a timed span; its type is that of the value given to [`exit`].
#[cfg_attr(not(debug_assertions), inline(always))]
pub fn site(function: &'static Function, index: u32) -> Token {
    open_untyped(function, Site { index, has_type: false, is_timed: true })
}

/// Opens a timed span whose type is the receiver's: that of what this leads to, which is not looked at. A
/// pointer, as there are fields that no reference may be taken of.
#[cfg_attr(not(debug_assertions), inline(always))]
pub fn site_on<R: ?Sized>(function: &'static Function, index: u32, _: *const R) -> Token {
    let site = Site { index, has_type: true, is_timed: true };
    open_typed(function, site, Type::of_receiver::<R>())
}

/// Opens a span that is counted, never timed.
#[cfg_attr(not(debug_assertions), inline(always))]
pub fn grow(function: &'static Function, index: u32) -> Token {
    open_untyped(function, Site { index, has_type: false, is_timed: false })
}

/// Opens a span that is counted, never timed, and whose type is the receiver's.
#[cfg_attr(not(debug_assertions), inline(always))]
pub fn grow_on<R: ?Sized>(function: &'static Function, index: u32, _: *const R) -> Token {
    let site = Site { index, has_type: true, is_timed: false };
    open_typed(function, site, Type::of_receiver::<R>())
}

/// The same of a message that is sent: where the channel has no bound, it waits there.
#[cfg_attr(not(debug_assertions), inline(always))]
pub fn send_on<R: ?Sized>(function: &'static Function, index: u32, receiver: *const R) -> Token {
    let token = grow_on(function, index, receiver);
    if let Some(channel) = token.row.and_then(|row| row.channel.get()) {
        channel.send();
    }
    token
}

#[inline(always)]
fn open_untyped(function: &'static Function, site: Site) -> Token {
    let (slab, id) = (slab::current(), function.site_id(site.index));
    match open_short(slab, function, site, id, slab.rows.follow(id)) {
        Some(token) => token,
        None => Token::opened(function, site, open_long(function, site)),
    }
}

#[inline(always)]
fn open_typed(function: &'static Function, site: Site, of: Type) -> Token {
    let (slab, id) = (slab::current(), function.site_id(site.index));
    let row = slab.rows.follow(id).filter(|row| row.is_of(of.name));
    match open_short(slab, function, site, id, row) {
        Some(token) => token,
        None => Token::opened(function, site, open_long_typed(function, site, of.name, of.layout)),
    }
}

#[inline(always)]
fn open_short(
    slab: &'static Slab,
    function: &'static Function,
    site: Site,
    id: u64,
    row: Option<&'static Row>,
) -> Option<Token> {
    let (row, level) = (row?, slab.top.get());
    let span = slab.spans.get(level)?;
    if site.is_timed && !row.countdown.skip() {
        return None;
    }
    span::push(slab, level, span, id);
    let (span, row, is_running, not_send) = (Some(span), Some(row), false, PhantomData);
    Some(Token { slab, level, span, row, function, site, is_running, not_send })
}

/// What the long way opened.
#[derive(Clone, Copy, Debug)]
struct Opened {
    slab: &'static Slab,
    level: u64,
    row: Option<&'static Row>,
    is_running: bool,
}

impl Token {
    #[inline(always)]
    fn opened(function: &'static Function, site: Site, opened: Opened) -> Self {
        let Opened { slab, level, row, is_running } = opened;
        Self { slab, level, span: None, row, function, site, is_running, not_send: PhantomData }
    }
}

#[cold]
#[inline(never)]
extern "C" fn open_long(function: &'static Function, site: Site) -> Opened {
    let slab = slab::attached();
    let first = slab.rows.follow(function.site_id(site.index));
    open_any(slab, function, site, first, first)
}

#[cold]
#[inline(never)]
extern "C" fn open_long_typed(
    function: &'static Function,
    site: Site,
    name: &'static str,
    layout: u64,
) -> Opened {
    // The type comes in parts, which lie in no memory before there is need.
    let (slab, row) = row::find(slab::attached(), function, site.index, Type { name, layout });
    let first = slab.rows.follow(function.site_id(site.index));
    open_any(slab, function, site, first, row)
}

/// Opens a span, whichever it is. The countdown is that of `first`, the row that the site leads to.
#[inline(always)]
fn open_any(
    slab: &'static Slab,
    function: &'static Function,
    site: Site,
    first: Option<&'static Row>,
    row: Option<&'static Row>,
) -> Opened {
    let level = slab.top.get();
    let is_due = || first.is_none_or(|row| row.countdown.step() >= row.countdown.next.get());
    let is_running = site.is_timed && is_due();
    if let Some(span) = slab.spans.get(level) {
        span.start.set(0);
        span::push(slab, level, span, function.site_id(site.index));
        if is_running {
            span.start_clock(slab);
        }
    } else {
        slab.top.set(level + 1);
    }
    Opened { slab, level, row, is_running }
}

/// Closes a span and hands the value on.
#[cfg_attr(not(debug_assertions), inline(always))]
pub fn exit<T>(token: Token, value: T) -> T {
    close(token, Type::of::<T>());
    value
}

/// Closes the span of a message that is sent; where the value says that it was not, it is taken back.
#[cfg_attr(not(debug_assertions), inline(always))]
pub fn sent<T>(token: Token, value: T) -> T {
    if let Some(channel) = token.row.and_then(|row| row.channel.get())
        && outcome::failed(&value)
    {
        channel.unsend();
    }
    exit(token, value)
}

/// Closes a span whose value is of this type. Generic code is built as the program is, this not
/// where the runtime has a profile of its own.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) fn close(token: Token, of: Type) {
    let Token { slab, level, span, row, function, site, is_running, .. } = token;
    // First of all: nothing after it has the token to drop, so that it stays in registers.
    mem::forget(token);
    match (span, row) {
        (Some(span), Some(row)) if site.has_type || row.is_of(of.name) => {
            if site.is_timed {
                span::skip_time(slab, level, row);
            }
            span::pop(slab, level, span, Some(row));
        }
        _ => {
            // Here, as what calling takes would be in the span.
            let end = if is_running { clock::ticks() } else { 0 };
            if site.has_type {
                close_long(slab, level, row, function, site, end);
            } else {
                close_long_untyped(slab, level, row, function, site, end, of.name, of.layout);
            }
        }
    }
}

/// `end`: 0 where its time is not taken.
#[cold]
#[inline(never)]
extern "C" fn close_long(
    slab: &'static Slab,
    level: u64,
    row: Option<&'static Row>,
    function: &'static Function,
    site: Site,
    end: u64,
) {
    let first = slab.rows.follow(function.site_id(site.index));
    close_any(slab, level, first, row, site, end);
}

#[cold]
#[inline(never)]
extern "C" fn close_long_untyped(
    slab: &'static Slab,
    level: u64,
    first: Option<&'static Row>,
    function: &'static Function,
    site: Site,
    end: u64,
    name: &'static str,
    layout: u64,
) {
    let row = row::check(slab, function, site.index, first, Type { name, layout });
    close_any(slab, level, first, row, site, end);
}

/// Closes a span, whichever it is. The countdown is that of `first`, the row that the site leads to.
#[inline(always)]
fn close_any(
    slab: &'static Slab,
    level: u64,
    first: Option<&'static Row>,
    row: Option<&'static Row>,
    site: Site,
    end: u64,
) {
    let span = slab.spans.get(level);
    // Before it leaves the stack, where a signal handler's own could take its place.
    match (span, first.or(row)) {
        // Another one that is closed out of its turn, on a stack of its own, may have stopped the clock.
        (Some(span), first) if end != 0 && span.start.get() != 0 => {
            span::close_time(slab, span, row, first, end);
        }
        (_, Some(first)) if site.is_timed => span::skip_time(slab, level, first),
        _ => {}
    }
    match span {
        Some(span) => span::pop(slab, level, span, row),
        None => span::pop_forgotten(slab, level, row),
    }
}

/// Restarts the span on top: what its receiver took is not its own.
#[cfg_attr(not(debug_assertions), inline(always))]
pub fn mark<T>(value: T) -> T {
    span::restart(slab::current());
    value
}

impl Drop for Token {
    /// Inlined, and what it calls takes the token in parts: to be pointed to, they would have to be
    /// stored at each execution, for the one that unwinds.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn drop(&mut self) {
        let Self { slab, level, row, function, site, is_running, .. } = *self;
        close_unwound(slab, level, row, function, site, is_running);
    }
}

/// Closes a span that gave no value.
#[cold]
#[inline(never)]
extern "C" fn close_unwound(
    slab: &'static Slab,
    level: u64,
    row: Option<&'static Row>,
    function: &'static Function,
    site: Site,
    is_running: bool,
) {
    let end = if is_running { clock::ticks() } else { 0 };
    let first = slab.rows.follow(function.site_id(site.index));
    let row = if site.has_type { row } else { row::find_untyped(slab, function, site.index) };
    if let Some(channel) = row.and_then(|row| row.channel.get()) {
        // What was to be sent never came about.
        channel.unsend();
    }
    close_any(slab, level, first, row, site, end);
}

#[cfg(test)]
mod tests;
