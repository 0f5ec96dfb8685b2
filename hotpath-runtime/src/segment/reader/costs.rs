//! What the allocator took, by size class, over all slabs.

use core::mem::offset_of;

use super::bytes::Bytes;
use super::{Cost, ReadError, SizeClass};
use crate::segment::layout as raw;

/// All classes, with nothing timed.
pub(super) fn none() -> Vec<SizeClass> {
    let class = |i| SizeClass {
        bytes: if i + 1 == raw::SIZE_CLASSES { u64::MAX } else { 8_u64 << i },
        allocs: Cost::default(),
        frees: Cost::default(),
    };
    (0..raw::SIZE_CLASSES).map(class).collect()
}

/// Adds what a slab has.
pub(super) fn add(
    bytes: Bytes<'_>,
    slab: usize,
    classes: &mut [SizeClass],
) -> Result<(), ReadError> {
    let link = slab + offset_of!(raw::Slab, costs);
    let Some(costs) = bytes.link(link, size_of::<raw::AllocatorCosts>())? else { return Ok(()) };
    for (i, class) in classes.iter_mut().enumerate() {
        let at = costs + i * size_of::<raw::Cost>();
        add_cost(bytes, at + offset_of!(raw::AllocatorCosts, allocs), &mut class.allocs)?;
        add_cost(bytes, at + offset_of!(raw::AllocatorCosts, frees), &mut class.frees)?;
    }
    Ok(())
}

fn add_cost(bytes: Bytes<'_>, at: usize, cost: &mut Cost) -> Result<(), ReadError> {
    let number = |field: usize| bytes.word(at + field);
    cost.timed = cost.timed.saturating_add(number(offset_of!(raw::Cost, timed))?);
    cost.ticks = cost.ticks.saturating_add(number(offset_of!(raw::Cost, ticks))?);
    let squares = f64::from_bits(number(offset_of!(raw::Cost, squares))?);
    if squares.is_finite() {
        cost.squares += squares.max(0.0);
    }
    Ok(())
}
