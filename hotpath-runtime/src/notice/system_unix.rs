//! The environment and stderr by way of the C library: a build that measures nothing has no `std`.

use core::ffi::{CStr, c_char, c_int, c_void};

unsafe extern "C" {
    fn getenv(name: *const c_char) -> *const c_char;
    fn write(file: c_int, bytes: *const c_void, len: usize) -> isize;
}

const STDERR: c_int = 2;

pub(super) fn is_required() -> bool {
    // SAFETY: the name ends in NUL, and so does what is given back. Nobody changes the environment
    // meanwhile: whoever does has to see to it that no other thread reads it.
    let value = unsafe {
        let value = getenv(c"CARGO_HOTPATH_REQUIRE".as_ptr());
        if value.is_null() { b"" } else { CStr::from_ptr(value).to_bytes() }
    };
    !matches!(value, b"" | b"0")
}

pub(super) fn say(line: &str) {
    for text in [line, "\n"] {
        // SAFETY: the bytes are those of a text. Whether they are written is nobody's concern.
        let _ = unsafe { write(STDERR, text.as_ptr().cast(), text.len()) };
    }
}
