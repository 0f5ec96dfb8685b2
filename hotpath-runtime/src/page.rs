//! Pages of slabs: what a reader outside of the process looks at while it runs.

use crate::map;
use crate::segment::layout::{Header, PAGE_BYTES, Slab, SlabPage};

/// Puts a slab where none has been: `furnish` makes it usable. Where that fails, the place is the
/// next slab's. With the lock held.
pub(crate) fn place(
    header: &Header,
    furnish: impl FnOnce(&'static Slab) -> Option<()>,
) -> Option<&'static Slab> {
    let page = match header.slab_pages.last.get() {
        Some(page) if vacancy(page).is_some() => page,
        _ => add(header)?,
    };
    let slab = vacancy(page)?;
    furnish(slab)?;
    page.used.add(1);
    Some(slab)
}

/// The next slab of a page that no thread has had.
fn vacancy(page: &'static SlabPage) -> Option<&'static Slab> {
    page.slabs.get(page.used.get() as usize)
}

/// Adds a page.
fn add(header: &Header) -> Option<&'static SlabPage> {
    let mut block = map::take_aligned(size_of::<SlabPage>(), PAGE_BYTES)?;
    let page = block.split::<SlabPage>(1)?.first()?;
    header.slab_pages.append(page, |page| &page.newer);
    Some(page)
}
