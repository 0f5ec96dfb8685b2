//! Bounded access to the bytes of a segment.

use super::ReadError;

/// No segment is larger.
pub(super) const LARGEST: u64 = 1 << 40;

/// The bytes, and what their links are relative to.
#[derive(Clone, Copy)]
pub(super) struct Bytes<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) base: u64,
}

impl<'a> Bytes<'a> {
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn word(&self, at: usize) -> Result<u64, ReadError> {
        let end = at.checked_add(8).ok_or(ReadError::Truncated)?;
        let bytes = self.bytes.get(at..end).ok_or(ReadError::Truncated)?;
        bytes.try_into().map(u64::from_ne_bytes).map_err(|_| ReadError::Truncated)
    }

    pub(super) fn half(&self, at: usize) -> Result<u32, ReadError> {
        let end = at.checked_add(4).ok_or(ReadError::Truncated)?;
        let bytes = self.bytes.get(at..end).ok_or(ReadError::Truncated)?;
        bytes.try_into().map(u32::from_ne_bytes).map_err(|_| ReadError::Truncated)
    }

    /// Where the link at `at` leads: to `size` bytes that exist. `None` for nothing, and for what
    /// lies past the end of the file (counters that had no room in it).
    pub(super) fn link(&self, at: usize, size: usize) -> Result<Option<usize>, ReadError> {
        let address = self.word(at)?;
        if address == 0 {
            return Ok(None);
        }
        let damaged = ReadError::Damaged { what: "link", offset: at };
        let offset = address.checked_sub(self.base).ok_or(damaged)?;
        if offset % 8 != 0 || offset > LARGEST {
            return Err(damaged);
        }
        let offset = usize::try_from(offset).map_err(|_| damaged)?;
        Ok(Some(offset)
            .filter(|offset| offset.checked_add(size).is_some_and(|end| end <= self.len())))
    }

    /// A text: its offset and length lie at `at`.
    pub(super) fn text(&self, at: usize, longest: usize) -> Result<&'a str, ReadError> {
        let damaged = ReadError::Damaged { what: "text", offset: at };
        let word = |at| usize::try_from(self.word(at)?).map_err(|_| damaged);
        let (offset, len) = (word(at)?, word(at + 8)?);
        if len > longest {
            return Err(damaged);
        }
        let end = offset.checked_add(len).ok_or(damaged)?;
        match self.bytes.get(offset..end) {
            Some(bytes) => std::str::from_utf8(bytes).map_err(|_| damaged),
            None => Ok(""),
        }
    }
}

/// Offsets of a list's members, which are `size` bytes each. A list longer than the file has room
/// for goes in a circle.
pub(super) fn list(
    bytes: Bytes<'_>,
    head: usize,
    next: usize,
    size: usize,
) -> Result<Vec<usize>, ReadError> {
    let mut members = Vec::new();
    let mut link = head;
    while let Some(at) = bytes.link(link, size)? {
        if members.len() >= bytes.len() / size {
            return Err(ReadError::Damaged { what: "list", offset: link });
        }
        members.push(at);
        link = at + next;
    }
    Ok(members)
}
