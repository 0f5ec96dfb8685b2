//! Answers queries by BM25.

use hotpath_runtime::hotpath;

use crate::index::Index;

/// What a run looks up; common, rare and missing words.
const QUERIES: [&str; 8] = [
    "parse error position",
    "unsafe pointer alignment",
    "hash map entry",
    "async runtime spawn task",
    "unicode grapheme boundary",
    "token stream span",
    "buffer read write flush",
    "thread local destructor",
];

/// Results per query.
const TOP: usize = 10;

/// How fast a further occurrence of a term loses weight.
const SATURATION: f64 = 1.2;

/// How much the length of a document counts against it.
const LENGTH_WEIGHT: f64 = 0.75;

/// A query and the documents that answer it, best first.
pub(crate) struct QueryResult {
    pub(crate) query: &'static str,
    pub(crate) hits: Vec<Hit>,
}

/// A document with its score.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Hit {
    pub(crate) document: u32,
    pub(crate) score: f64,
}

/// Answers every built-in query.
#[hotpath]
pub(crate) fn all(index: &Index) -> Vec<QueryResult> {
    QUERIES.iter().map(|query| QueryResult { query, hits: answer(index, query) }).collect()
}

#[hotpath]
fn answer(index: &Index, query: &str) -> Vec<Hit> {
    let documents = index.documents.len();
    let words: usize = index.documents.iter().map(|document| document.words).sum();
    let mean = (words as f64 / documents.max(1) as f64).max(1.0);
    let mut scores = vec![0.0; documents];
    for postings in query.split(' ').map(|term| index.postings_of(term)) {
        let found = postings.len() as f64;
        let rarity = ((documents as f64 - found + 0.5) / (found + 0.5) + 1.0).ln();
        for posting in postings {
            let document = &index.documents[posting.document as usize];
            let count = f64::from(posting.count);
            let length = 1.0 - LENGTH_WEIGHT + LENGTH_WEIGHT * document.words as f64 / mean;
            let weight = count * (SATURATION + 1.0) / (count + SATURATION * length);
            let telling = document.telling as f64 / document.words.max(1) as f64;
            scores[posting.document as usize] += rarity * weight * telling;
        }
    }
    best(&scores)
}

fn best(scores: &[f64]) -> Vec<Hit> {
    let mut hits: Vec<Hit> = scores
        .iter()
        .zip(0..)
        .filter(|&(&score, _)| score > 0.0)
        .map(|(&score, document)| Hit { document, score })
        .collect();
    hits.sort_unstable_by(|a, b| {
        b.score.total_cmp(&a.score).then_with(|| a.document.cmp(&b.document))
    });
    hits.truncate(TOP);
    hits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn best_drops_misses_and_breaks_ties_by_document() {
        let hits = best(&[1.0, 0.0, 2.0, 1.0]);
        let order: Vec<_> = hits.iter().map(|hit| hit.document).collect();
        assert_eq!(order, [2, 0, 3]);
    }
}
