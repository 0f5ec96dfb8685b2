//! Registered functions, and how counters name them.

use core::mem::offset_of;
use std::collections::HashMap;

use super::bytes::{Bytes, list};
use super::{Function, ReadError, Site};
use crate::segment::layout::{self as raw, TEXT_BYTES};

/// Functions with their ids, in the order of registration.
pub(super) fn read_functions(bytes: Bytes<'_>) -> Result<Vec<(u64, Function)>, ReadError> {
    let head = offset_of!(raw::Header, functions);
    let next = offset_of!(raw::FunctionRecord, newer);
    let mut budget = bytes.len();
    let functions = list(bytes, head, next, size_of::<raw::FunctionRecord>())?
        .into_iter()
        .map(|at| read_function(bytes, at, &mut budget))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(functions)
}

fn read_function(
    bytes: Bytes<'_>,
    at: usize,
    budget: &mut usize,
) -> Result<(u64, Function), ReadError> {
    let text = |field| bytes.text(at + field, TEXT_BYTES).map(str::to_owned);
    let number = |field: usize| bytes.word(at + field);
    let count = number(offset_of!(raw::FunctionRecord, site_count))?;
    let size = size_of::<raw::SiteRecord>();
    let damaged = ReadError::Damaged { what: "site count", offset: at };
    let len = usize::try_from(count).ok().and_then(|n| n.checked_mul(size)).ok_or(damaged)?;
    // All site tables together fit the file.
    *budget = budget.checked_sub(len).ok_or(damaged)?;
    let first = bytes.link(at + offset_of!(raw::FunctionRecord, sites), len)?;
    let sites = match first {
        Some(first) => (0..count as usize)
            .map(|i| read_site(bytes, first + i * size))
            .collect::<Result<_, _>>()?,
        None => Vec::new(),
    };
    let function = Function {
        package: text(offset_of!(raw::FunctionRecord, package))?,
        target: text(offset_of!(raw::FunctionRecord, target))?,
        module: text(offset_of!(raw::FunctionRecord, module))?,
        name: text(offset_of!(raw::FunctionRecord, name))?,
        file: text(offset_of!(raw::FunctionRecord, file))?,
        line: number(offset_of!(raw::FunctionRecord, line))? as u32,
        column: number(offset_of!(raw::FunctionRecord, column))? as u32,
        is_async: number(offset_of!(raw::FunctionRecord, is_async))? != 0,
        sites,
        origin: [
            number(offset_of!(raw::FunctionRecord, origin_line))? as u32,
            number(offset_of!(raw::FunctionRecord, origin_column))? as u32,
        ],
        budget: text(offset_of!(raw::FunctionRecord, budget))?,
    };
    Ok((number(offset_of!(raw::FunctionRecord, id))?, function))
}

fn read_site(bytes: Bytes<'_>, at: usize) -> Result<Site, ReadError> {
    Ok(Site {
        kind: bytes.text(at + offset_of!(raw::SiteRecord, kind), TEXT_BYTES)?.to_owned(),
        line: bytes.word(at + offset_of!(raw::SiteRecord, line))? as u32,
        column: bytes.word(at + offset_of!(raw::SiteRecord, column))? as u32,
        label: bytes.text(at + offset_of!(raw::SiteRecord, label), TEXT_BYTES)?.to_owned(),
    })
}

/// What a node or row needs to know of its function.
#[derive(Clone, Copy)]
pub(super) struct Named {
    /// Index into the segment's functions.
    pub(super) index: usize,
    pub(super) is_async: bool,
    sites: usize,
}

/// Functions by id.
pub(super) struct Names {
    by_id: HashMap<u64, Named>,
    /// Whether counters, and so functions, may be missing because the file had no room.
    incomplete: bool,
}

impl Names {
    pub(super) fn of(functions: &[(u64, Function)], incomplete: bool) -> Self {
        let entries = functions.iter().enumerate();
        let named = |(index, (id, function)): (usize, &(u64, Function))| {
            (*id, Named { index, is_async: function.is_async, sites: function.sites.len() })
        };
        Self { by_id: entries.map(named).collect(), incomplete }
    }

    /// The function; `None` for one that had no room in the file.
    pub(super) fn function(&self, id: u64, at: usize) -> Result<Option<Named>, ReadError> {
        match self.by_id.get(&id) {
            None if !self.incomplete => Err(ReadError::Damaged { what: "function", offset: at }),
            found => Ok(found.copied()),
        }
    }

    /// How many sites of a function are known; 0 for one that isn't.
    pub(super) fn site_count(&self, id: u64) -> u64 {
        self.by_id.get(&id).map_or(0, |function| function.sites as u64)
    }

    /// The indices of a function and of its site, likewise.
    pub(super) fn site(
        &self,
        id: u64,
        site: usize,
        at: usize,
    ) -> Result<Option<(usize, usize)>, ReadError> {
        match self.function(id, at)? {
            Some(function) if site < function.sites => Ok(Some((function.index, site))),
            Some(_) if !self.incomplete => Err(ReadError::Damaged { what: "site", offset: at }),
            _ => Ok(None),
        }
    }
}
