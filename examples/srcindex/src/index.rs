//! The inverted index: which term stands in which document, how often.

use std::fs;
use std::io;

use hotpath_runtime::hotpath;

use crate::density::{self, Lexicon};
use crate::error::Error;
use crate::fix::{Fix, Fixes};
use crate::hash::{self, FastMap};
use crate::links;
use crate::passage;
use crate::signature;
use crate::tokenize;
use crate::trigrams::{self, Filter};
use crate::walk::{SourceFile, Sources};

/// A word of a doc comment counts as much as two in the code.
const DOC_WEIGHT: usize = 2;

/// One document of the index.
#[derive(Clone, Debug)]
pub(crate) struct Document {
    pub(crate) name: String,
    pub(crate) passages: usize,
    /// Weighted words.
    pub(crate) words: usize,
    /// Words that carry meaning.
    pub(crate) telling: usize,
    pub(crate) links: usize,
    /// Passages that stood in the index already.
    pub(crate) repeated: usize,
    /// Bits set in the document's trigram filter.
    pub(crate) trigram_bits: u32,
}

/// A document that has a term.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Posting {
    pub(crate) document: u32,
    pub(crate) count: u32,
}

/// A full-text index over documents.
#[derive(Default)]
pub struct Index {
    pub(crate) documents: Vec<Document>,
    pub(crate) terms: Vec<Box<str>>,
    /// By term; ascending by document.
    pub(crate) postings: Vec<Vec<Posting>>,
    pub(crate) unreadable: usize,
    numbers: FastMap<Box<str>, u32>,
    signatures: FastMap<u64, u32>,
}

/// What is reused from one document to the next.
#[derive(Default)]
struct Scratch {
    /// The terms of a passage, as they follow each other.
    passage: Vec<u32>,
    signature: String,
    /// The terms of a document, one for each unit of their weight.
    document: Vec<u32>,
}

impl Index {
    /// Reads and indexes all `sources`. Files that aren't UTF-8 are counted and left out.
    ///
    /// # Errors
    ///
    /// When a file can't be read.
    #[hotpath]
    pub fn build(sources: &Sources, fixes: Fixes) -> Result<Self, Error> {
        let mut index = Self::default();
        let mut scratch = Scratch::default();
        let lexicon = Lexicon::new();
        for file in &sources.files {
            match read(file) {
                Ok(text) => index.add(file, &text, &lexicon, &mut scratch, fixes),
                Err(error) if error.kind() == io::ErrorKind::InvalidData => index.unreadable += 1,
                Err(error) => return Err(Error::Read(file.path.clone(), error)),
            }
        }
        Ok(index)
    }

    #[hotpath]
    fn add(
        &mut self,
        file: &SourceFile,
        text: &str,
        lexicon: &Lexicon,
        scratch: &mut Scratch,
        fixes: Fixes,
    ) {
        let mut passages = Vec::with_capacity(text.len() / 256);
        passage::split(text, &mut passages);
        let mut links = 0;
        let mut repeated = 0;
        scratch.document.clear();
        for passage in &passages {
            links += if fixes.has(Fix::Regex) {
                links::count_shared(passage)
            } else {
                links::count(passage)
            };
            repeated += usize::from(self.add_passage(passage, scratch, fixes));
        }
        let telling = if fixes.has(Fix::Clone) {
            density::telling_borrowed(&passages, lexicon)
        } else {
            density::telling(&passages, lexicon)
        };
        self.add_postings(&mut scratch.document);
        self.documents.push(Document {
            name: file.name.clone(),
            passages: passages.len(),
            words: scratch.document.len(),
            telling,
            links,
            repeated,
            trigram_bits: filter(text, fixes).ones(),
        });
    }

    /// Numbers the words of `passage`; whether a passage with the same words was there before.
    #[hotpath]
    fn add_passage(&mut self, passage: &str, scratch: &mut Scratch, fixes: Fixes) -> bool {
        scratch.passage.clear();
        for word in tokenize::words(passage) {
            let number = self.number(word.text);
            let weight = if word.in_doc { DOC_WEIGHT } else { 1 };
            scratch.passage.push(number);
            scratch.document.extend(std::iter::repeat_n(number, weight));
        }
        if fixes.has(Fix::String) {
            signature::write_in_place(&scratch.passage, &self.terms, &mut scratch.signature);
        } else {
            signature::write(&scratch.passage, &self.terms, &mut scratch.signature);
        }
        let seen = self.signatures.entry(hash::of(scratch.signature.as_bytes())).or_default();
        *seen += 1;
        *seen > 1
    }

    fn number(&mut self, word: &str) -> u32 {
        if let Some(&number) = self.numbers.get(word) {
            return number;
        }
        let number = self.terms.len() as u32;
        self.numbers.insert(word.into(), number);
        self.terms.push(word.into());
        self.postings.push(Vec::new());
        number
    }

    /// Adds the next document, whose terms are `numbers`, to the postings of these terms.
    #[hotpath]
    fn add_postings(&mut self, numbers: &mut [u32]) {
        let document = self.documents.len() as u32;
        numbers.sort_unstable();
        for run in numbers.chunk_by(|a, b| a == b) {
            let count = run.len() as u32;
            self.postings[run[0] as usize].push(Posting { document, count });
        }
    }

    /// The documents that have `term`.
    pub(crate) fn postings_of(&self, term: &str) -> &[Posting] {
        self.numbers.get(term).map_or(&[], |&number| &self.postings[number as usize])
    }
}

#[hotpath]
fn read(file: &SourceFile) -> io::Result<String> {
    fs::read_to_string(&file.path)
}

/// The trigrams of all lines of `text`.
#[hotpath]
fn filter(text: &str, fixes: Fixes) -> Filter {
    let mut filter = Filter::new();
    for line in text.lines() {
        let trigrams = if fixes.has(Fix::Growth) {
            trigrams::of_line_sized(line)
        } else {
            trigrams::of_line(line)
        };
        filter.add(&trigrams);
    }
    filter
}
