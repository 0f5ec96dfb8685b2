//! What sold best. Holds the planted fault `hasher`.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use hotpath_runtime::hotpath;
use rustc_hash::{FxBuildHasher, FxHashMap};
use serde::Serialize;

use crate::app::App;
use crate::error::Error;
use crate::fix::Fix;
use crate::seed;
use crate::store::Sale;

/// How many sales are looked at.
const WINDOW: usize = 20_000;

/// By how many sales the window moves from one day to the next.
const DAY: usize = 1_000;

/// How many products are shown.
const SHOWN: usize = 10;

/// A product that sold well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct Trend {
    pieces: u32,
    product: u32,
}

/// `GET /trending/{day}`
#[hotpath]
pub(crate) async fn get(
    State(app): State<Arc<App>>,
    Path(day): Path<usize>,
) -> Result<Json<Vec<Trend>>, Error> {
    let start = day.saturating_mul(DAY);
    let window = app.sales.get(start..start.saturating_add(WINDOW)).ok_or(Error::NotFound)?;
    let mut trends = if app.fixes.has(Fix::Hasher) { count_fast(window) } else { count(window) };
    trends.sort_unstable_by(|a, b| b.cmp(a));
    trends.truncate(SHOWN);
    Ok(Json(trends))
}

/// Pieces sold of each product. Hashes numbers that no attacker chose as if one had.
#[hotpath]
fn count(sales: &[Sale]) -> Vec<Trend> {
    let mut sold = HashMap::with_capacity(seed::PRODUCTS as usize);
    for sale in sales {
        *sold.entry(sale.product).or_default() += sale.pieces;
    }
    sold.into_iter().map(|(product, pieces)| Trend { pieces, product }).collect()
}

/// As [`count`], with a hash for numbers.
#[hotpath]
fn count_fast(sales: &[Sale]) -> Vec<Trend> {
    let mut sold = FxHashMap::with_capacity_and_hasher(seed::PRODUCTS as usize, FxBuildHasher);
    for sale in sales {
        *sold.entry(sale.product).or_default() += sale.pieces;
    }
    sold.into_iter().map(|(product, pieces)| Trend { pieces, product }).collect()
}
