//! What products cost a customer. Holds the planted fault `spawn`.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use hotpath_runtime::hotpath;
use serde::Serialize;

use crate::app::App;
use crate::error::Error;
use crate::fix::Fix;
use crate::store::Product;

/// How many offers are shown.
const SHOWN: usize = 10;

/// A product and its price for somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct Offer {
    saved_cents: i64,
    cents: i64,
    product: i64,
}

/// `GET /categories/{category}/offers/{customer}`
#[hotpath]
pub(crate) async fn get(
    State(app): State<Arc<App>>,
    Path((category, customer)): Path<(i64, i64)>,
) -> Result<Json<Vec<Offer>>, Error> {
    let level = app.store.level_of(customer).await?;
    let products = of_category(&app.products, category);
    let mut offers = if app.fixes.has(Fix::Spawn) {
        in_place(products, level)
    } else {
        in_tasks(products, level).await?
    };
    if offers.is_empty() {
        return Err(Error::NotFound);
    }
    offers.sort_unstable_by(|a, b| b.cmp(a));
    offers.truncate(SHOWN);
    Ok(Json(offers))
}

/// The part of the products, which are sorted, that is of a category.
fn of_category(products: &[Product], category: i64) -> &[Product] {
    let start = products.partition_point(|product| product.category < category);
    let end = products.partition_point(|product| product.category <= category);
    &products[start..end]
}

/// What each product costs. Makes a task for each.
#[hotpath]
async fn in_tasks(products: &[Product], level: i64) -> Result<Vec<Offer>, Error> {
    let mut tasks = Vec::with_capacity(products.len());
    for &product in products {
        tasks.push(tokio::spawn(async move { offer(product, level) }));
    }
    let mut offers = Vec::with_capacity(tasks.len());
    for task in tasks {
        offers.push(task.await?);
    }
    Ok(offers)
}

/// As [`in_tasks`], in the task that asks.
#[hotpath]
fn in_place(products: &[Product], level: i64) -> Vec<Offer> {
    products.iter().map(|&product| offer(product, level)).collect()
}

/// The dearer the product and the better the customer, the more is taken off.
fn offer(product: Product, level: i64) -> Offer {
    let step = product.cents.ilog10();
    let per_mille = i64::from(step) * 10 * (level + 1) + product.id % 7;
    let saved_cents = product.cents * per_mille / 1_000;
    Offer { saved_cents, cents: product.cents - saved_cents, product: product.id }
}
