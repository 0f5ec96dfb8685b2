//! How much of a passage carries meaning. Holds the planted fault `clone`.

use hotpath_runtime::hotpath;

use crate::tokenize;

const KEYWORDS: &str = "as async await break const continue crate dyn else enum extern false fn \
    for if impl in let loop match mod move mut pub ref return self static struct super trait \
    true type union unsafe use where while Self";

const COMMON: &str = "Ok Err Some None Option Result Vec Box String str usize isize u8 u16 u32 \
    u64 i8 i16 i32 i64 f32 f64 bool char new len iter into from unwrap clone push default Default \
    derive Debug Clone Copy PartialEq Eq Hash cfg inline test doc allow feature std core alloc \
    assert assert_eq assert_ne println format write vec";

const STOP_WORDS: &str = "about above after again against all am an and any are at be because \
    been before being below between both but by can did do does doing down during each few \
    further had has have having he her here hers him his how into is it its itself just me more \
    most my no nor not now of off on once only or other our ours out over own same she should so \
    some such than that the their them then there these they this those through to too under \
    until up very was we were what when which who whom why will with you your yours The This If \
    It In An To For Returns returns also always another around \
    because cannot either even every however instead must need used using";

/// The words that say nothing about what a passage is about.
pub(crate) struct Lexicon {
    /// Sorted.
    ignored: Vec<String>,
}

impl Lexicon {
    pub(crate) fn new() -> Self {
        let mut ignored: Vec<String> = [KEYWORDS, COMMON, STOP_WORDS]
            .iter()
            .flat_map(|list| list.split_whitespace())
            .map(str::to_owned)
            .collect();
        ignored.sort_unstable();
        ignored.dedup();
        Self { ignored }
    }
}

/// How many words of all `passages` carry meaning. Copies the ignored words for each passage.
#[hotpath]
pub(crate) fn telling(passages: &[&str], lexicon: &Lexicon) -> usize {
    let mut telling = 0;
    for passage in passages {
        telling += telling_words(passage, &lexicon.ignored.clone());
    }
    telling
}

/// As [`telling`], with the ignored words borrowed.
#[hotpath]
pub(crate) fn telling_borrowed(passages: &[&str], lexicon: &Lexicon) -> usize {
    let mut telling = 0;
    for passage in passages {
        telling += telling_words(passage, &lexicon.ignored);
    }
    telling
}

fn telling_words(passage: &str, ignored: &[String]) -> usize {
    tokenize::words(passage)
        .filter(|word| ignored.binary_search_by(|known| known.as_str().cmp(word.text)).is_err())
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_variants_skip_the_ignored_words() {
        let lexicon = Lexicon::new();
        let passages = ["pub fn parse(input: &str)", "/// Returns the tree of it"];
        assert_eq!(telling(&passages, &lexicon), 3);
        assert_eq!(telling_borrowed(&passages, &lexicon), 3);
    }
}
