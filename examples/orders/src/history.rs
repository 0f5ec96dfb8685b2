//! What a customer has ordered. Holds the planted fault `n-plus-one`.

use std::iter;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use hotpath_runtime::hotpath;
use serde::Serialize;

use crate::app::App;
use crate::error::Error;
use crate::fix::Fix;
use crate::store::{Line, Order, Store};

/// An order with its lines.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Ordered {
    id: i64,
    day: i64,
    lines: Vec<Line>,
}

/// `GET /customers/{customer}/orders`
#[hotpath]
pub(crate) async fn get(
    State(app): State<Arc<App>>,
    Path(customer): Path<i64>,
) -> Result<Json<Vec<Ordered>>, Error> {
    let history = if app.fixes.has(Fix::NPlusOne) {
        at_once(&app.store, customer).await?
    } else {
        one_by_one(&app.store, customer).await?
    };
    if history.is_empty() { Err(Error::NotFound) } else { Ok(Json(history)) }
}

/// The customer's orders. Asks for the lines of each.
#[hotpath]
async fn one_by_one(store: &Store, customer: i64) -> Result<Vec<Ordered>, Error> {
    let orders = store.orders_of(customer).await?;
    let mut history = Vec::with_capacity(orders.len());
    for Order { id, day } in orders {
        let lines = store.lines_of(id).await?;
        history.push(Ordered { id, day, lines });
    }
    Ok(history)
}

/// As [`one_by_one`], with the lines of all orders from one query.
#[hotpath]
async fn at_once(store: &Store, customer: i64) -> Result<Vec<Ordered>, Error> {
    let orders = store.orders_of(customer).await?;
    let mut lines = store.lines_of_customer(customer).await?.into_iter().peekable();
    let history = orders.into_iter().map(|Order { id, day }| {
        let its = iter::from_fn(|| lines.next_if(|(order, _)| *order == id));
        Ordered { id, day, lines: its.map(|(_, line)| line).collect() }
    });
    Ok(history.collect())
}
