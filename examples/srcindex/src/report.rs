//! Writes the result file. Holds the planted fault `output`.

use std::fmt;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use hotpath_runtime::hotpath;

use crate::error::Error;
use crate::fix::{Fix, Fixes};
use crate::index::Index;
use crate::rank::QueryResult;

/// Writes postings, documents and query results to the file `out`, replacing it.
#[hotpath]
pub(crate) fn write(
    index: &Index,
    results: &[QueryResult],
    out: &Path,
    fixes: Fixes,
) -> Result<(), Error> {
    let mut order: Vec<usize> = (0..index.terms.len()).collect();
    order.sort_unstable_by(|&a, &b| index.terms[a].cmp(&index.terms[b]));
    let postings = if fixes.has(Fix::Output) {
        write_postings_buffered(index, &order, out)
    } else {
        write_postings(index, &order, out)
    };
    postings.and_then(|()| append_results(index, results, out)).map_err(Error::write(out))
}

/// Writes a line for each posting, terms in the given order, each line straight to the file.
#[hotpath]
fn write_postings(index: &Index, order: &[usize], out: &Path) -> io::Result<()> {
    let mut file = File::create(out)?;
    for &term in order {
        for posting in &index.postings[term] {
            writeln!(file, "{}\t{}", index.terms[term], posting.document)?;
        }
    }
    Ok(())
}

/// As [`write_postings`], through a buffer.
#[hotpath]
fn write_postings_buffered(index: &Index, order: &[usize], out: &Path) -> io::Result<()> {
    let mut file = BufWriter::new(File::create(out)?);
    for &term in order {
        for posting in &index.postings[term] {
            writeln!(file, "{}\t{}", index.terms[term], posting.document)?;
        }
    }
    file.flush()
}

#[hotpath]
fn append_results(index: &Index, results: &[QueryResult], out: &Path) -> io::Result<()> {
    let mut file = BufWriter::new(File::options().append(true).open(out)?);
    for document in &index.documents {
        writeln!(
            file,
            "{}\t{}\t{}\t{}\t{}\t{}\t{}",
            document.name,
            document.passages,
            document.words,
            document.telling,
            document.links,
            document.repeated,
            document.trigram_bits
        )?;
    }
    for result in results {
        writeln!(file, "? {}", result.query)?;
        for hit in &result.hits {
            let name = &index.documents[hit.document as usize].name;
            writeln!(file, "{:.6}\t{name}", hit.score)?;
        }
    }
    file.flush()
}

/// The size of an index in a few numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Documents that are indexed.
    pub documents: usize,
    /// Passages in them.
    pub passages: usize,
    /// Passages that stood in the index already.
    pub repeated: usize,
    /// Distinct terms.
    pub terms: usize,
    /// Pairs of a term and a document.
    pub postings: usize,
    /// Links in the documents.
    pub links: usize,
    /// Files left out because they aren't UTF-8.
    pub unreadable: usize,
}

impl Summary {
    pub(crate) fn of(index: &Index) -> Self {
        let documents = &index.documents;
        Self {
            documents: documents.len(),
            passages: documents.iter().map(|document| document.passages).sum(),
            repeated: documents.iter().map(|document| document.repeated).sum(),
            terms: index.terms.len(),
            postings: index.postings.iter().map(Vec::len).sum(),
            links: documents.iter().map(|document| document.links).sum(),
            unreadable: index.unreadable,
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { documents, passages, repeated, terms, postings, links, unreadable } = self;
        write!(
            f,
            "{documents} documents, {passages} passages ({repeated} repeated), {terms} terms, \
             {postings} postings, {links} links, {unreadable} unreadable"
        )
    }
}
