//! The kinds of sites, with the names that the profile carries.

use std::fmt;
use std::str::FromStr;

macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)+) => {
        /// What an expression site does.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Kind {
            $($(#[$doc])* $variant,)+
        }

        impl Kind {
            /// Every kind, in the order of declaration.
            pub const ALL: &'static [Kind] = &[$(Kind::$variant,)+];

            /// The name in site tables, profiles and reports.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Kind::$variant => $name,)+
                }
            }
        }
    };
}

kinds! {
    /// `.await`.
    Await = "await",
    /// `.clone()`, `T::clone(..)`, `Arc::clone(..)`.
    Clone = "clone",
    /// `.to_owned()`, `.into_owned()`.
    ToOwned = "to_owned",
    /// `.to_string()`, `String::from(..)`.
    ToString = "to_string",
    /// `.to_vec()`.
    ToVec = "to_vec",
    /// `format!`.
    Format = "format",
    /// `vec!`.
    VecMacro = "vec",
    /// `Vec::new()`, `String::new()`, `HashMap::new()`, `Box::new(..)` and the like.
    New = "new",
    /// `with_capacity` of a collection.
    WithCapacity = "with_capacity",
    /// `.collect()`.
    Collect = "collect",
    /// A method that can make its receiver grow (`push`, `push_str`, `insert`, `extend`, `append`
    /// and the like), on a variable that the function bound to an empty collection. Counted,
    /// never timed.
    Grow = "grow",
    /// `.contains_key(..)`, `.entry(..)`, `.insert(..)`, `.get(&key)`, `.get_mut(&key)`, `.remove(&key)`
    /// and `.contains(value)` on a variable or field: what a map or set does with a key, and how a list
    /// is searched. Its type is the receiver's.
    Lookup = "lookup",
    /// `.iter().any(..)`, `.iter().find(..)`, `.iter().position(..)` on a variable or field: a search from
    /// one end to the other. Its type is that of what is iterated over.
    Search = "search",
    /// `.remove(0)` and `.insert(0, ..)` on a variable or field: in a list all others move. Its type
    /// is the receiver's.
    Shift = "shift",
    /// `for line in reader.lines()`: its steps. Counted, never timed; its type is that of the items.
    Lines = "lines",
    /// `.lock()`, `.read()`, `.write()` without arguments.
    Lock = "lock",
    /// In code that may suspend, a call that keeps its thread waiting: `thread::sleep(..)`,
    /// `fs::read(..)`, `File::open(..)`, `block_on(..)` and the like.
    Block = "block",
    /// `.send(..)` on a variable or field that is not awaited: what goes into a channel without waiting
    /// for room. Counted, never timed; its type is the receiver's.
    Send = "send",
    /// A client, pool or connection that is made: `Client::new()`, `Connection::open(..)`,
    /// `Runtime::new()`.
    Connect = "connect",
    /// `Regex::new(..)` and its kin.
    RegexNew = "regex_new",
    /// `print!`, `println!`, `eprint!`, `eprintln!`.
    Print = "print",
    /// `write!`, `writeln!`, `.write_all(..)`, `.write(buf)`, `.flush()`.
    Write = "write",
    /// A call that leads into another crate: `serde_json::from_str(..)`.
    Call = "call",
    /// Any other call of a method or path, with `sites = all` only.
    Other = "other",
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that is no kind: data from another version.
#[derive(Debug, PartialEq, Eq)]
pub struct UnknownKind;

impl fmt::Display for UnknownKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("unknown site kind")
    }
}

impl std::error::Error for UnknownKind {}

impl FromStr for Kind {
    type Err = UnknownKind;

    fn from_str(name: &str) -> Result<Self, UnknownKind> {
        Kind::ALL.iter().copied().find(|kind| kind.name() == name).ok_or(UnknownKind)
    }
}
