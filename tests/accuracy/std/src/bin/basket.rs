//! Suggests articles for baskets: those whose tags fit best.

use accuracy::{Random, is_fixed, mix, words};

const ARTICLES: usize = 400;
const BASKETS: usize = 3_000;
const TAGS: usize = 12;

struct Article {
    name: String,
    tags: Vec<String>,
    price_cents: u64,
}

struct Basket {
    last: String,
    tags: Vec<String>,
    limit_cents: u64,
}

fn main() {
    let mut random = Random::new(2);
    let tags = words(&mut random, 90);
    let articles = stock(&mut random, &tags);
    let baskets = orders(&mut random, &tags);
    let fixed = is_fixed();
    let mut sum = 0;
    for basket in &baskets {
        let best =
            if fixed { suggest_borrowed(&articles, basket) } else { suggest(&articles, basket) };
        let Some(article) = best else { continue };
        sum = mix(sum, articles[article].price_cents + articles[article].name.len() as u64);
    }
    println!("{sum:016x}");
}

fn stock(random: &mut Random, tags: &[String]) -> Vec<Article> {
    let names = words(random, ARTICLES);
    let article = |name: String| Article {
        name,
        tags: (0..TAGS).map(|_| random.pick(tags).clone()).collect(),
        price_cents: 100 + random.below(20_000) as u64,
    };
    names.into_iter().map(article).collect()
}

fn orders(random: &mut Random, tags: &[String]) -> Vec<Basket> {
    let names = &words(random, ARTICLES);
    (0..BASKETS)
        .map(|_| Basket {
            last: random.pick(names).clone(),
            tags: (0..3).map(|_| random.pick(tags).clone()).collect(),
            limit_cents: 5_000 + random.below(15_000) as u64,
        })
        .collect()
}

fn suggest(articles: &[Article], basket: &Basket) -> Option<usize> {
    let mut best = None;
    for (index, article) in articles.iter().enumerate() {
        // culprit
        let tags = article.tags.clone();
        let score = overlap(&tags, &basket.tags) * 1_000
            + thrift(article, basket)
            + resemblance(&article.name, &basket.last);
        if best.is_none_or(|(found, _)| score > found) {
            best = Some((score, index));
        }
    }
    best.map(|(_, index)| index)
}

fn suggest_borrowed(articles: &[Article], basket: &Basket) -> Option<usize> {
    let mut best = None;
    for (index, article) in articles.iter().enumerate() {
        let score = overlap(&article.tags, &basket.tags) * 1_000
            + thrift(article, basket)
            + resemblance(&article.name, &basket.last);
        if best.is_none_or(|(found, _)| score > found) {
            best = Some((score, index));
        }
    }
    best.map(|(_, index)| index)
}

/// How many tags both have.
fn overlap(tags: &[String], wanted: &[String]) -> u64 {
    wanted.iter().map(|tag| tags.iter().filter(|other| *other == tag).count() as u64).sum()
}

/// Pairs of letters that both names have.
fn resemblance(one: &str, other: &str) -> u64 {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    one.windows(2).filter(|pair| other.windows(2).any(|it| it == *pair)).count() as u64
}

/// What is left of the limit, in per mille.
fn thrift(article: &Article, basket: &Basket) -> u64 {
    basket.limit_cents.saturating_sub(article.price_cents) * 1_000 / basket.limit_cents
}
