//! What the threads of a slab had of the processor.

use core::mem::offset_of;

use super::bytes::Bytes;
use super::{Processor, Ran, ReadError};
use crate::segment::layout as raw;

/// Of the slab there.
pub(super) fn read(bytes: Bytes<'_>, slab: usize) -> Result<Option<Processor>, ReadError> {
    let link = slab + offset_of!(raw::Slab, processor);
    let Some(at) = bytes.link(link, size_of::<raw::Processor>())? else { return Ok(None) };
    Ok(Some(Processor {
        thread_ns: Some(bytes.word(at + offset_of!(raw::Processor, thread_ns))?)
            .filter(|ns| *ns != raw::UNKNOWN),
        inside: ran(bytes, at + offset_of!(raw::Processor, inside))?,
        outside: ran(bytes, at + offset_of!(raw::Processor, outside))?,
        after_thinned: ran(bytes, at + offset_of!(raw::Processor, after_thinned))?,
    }))
}

fn ran(bytes: Bytes<'_>, at: usize) -> Result<Ran, ReadError> {
    let number = |field: usize| bytes.word(at + field);
    let float = |field: usize| -> Result<f64, ReadError> {
        let value = f64::from_bits(number(field)?);
        Ok(if value.is_finite() { value.max(0.0) } else { 0.0 })
    };
    Ok(Ran {
        looks: number(offset_of!(raw::Ran, looks))?,
        polls: number(offset_of!(raw::Ran, polls))?,
        cpu_ns: number(offset_of!(raw::Ran, cpu_ns))?,
        ticks: number(offset_of!(raw::Ran, ticks))?,
        squares: float(offset_of!(raw::Ran, squares))?,
        tick_squares: float(offset_of!(raw::Ran, tick_squares))?,
        products: float(offset_of!(raw::Ran, products))?,
    })
}
