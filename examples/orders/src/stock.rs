//! Pieces that are left, and those laid aside for customers. Holds the planted fault `guard`.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use hotpath_runtime::hotpath;
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use crate::app::App;
use crate::error::Error;
use crate::fix::Fix;
use crate::seed;
use crate::services::Warehouse;

/// What the warehouse has of each product at first.
const PIECES: u32 = 100_000_000;

/// Pieces that are left, by product.
pub(crate) struct Stock {
    left: Mutex<Vec<u32>>,
}

/// What a customer wants laid aside.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct Wanted {
    pieces: u32,
}

/// What was laid aside.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Reservation {
    shelf: usize,
    pieces: u32,
}

impl Stock {
    pub(crate) fn new() -> Self {
        Self { left: Mutex::new(vec![PIECES; seed::PRODUCTS as usize + 1]) }
    }

    /// Takes pieces out.
    #[hotpath]
    async fn take(&self, product: usize, pieces: u32) -> Result<(), Error> {
        let mut left = self.left.lock().await;
        let left = left.get_mut(product).ok_or(Error::NotFound)?;
        *left = left.checked_sub(pieces).ok_or(Error::SoldOut)?;
        Ok(())
    }

    /// Puts pieces back.
    #[hotpath]
    async fn put_back(&self, product: usize, pieces: u32) {
        if let Some(left) = self.left.lock().await.get_mut(product) {
            *left += pieces;
        }
    }
}

/// `POST /products/{product}/reservations`
#[hotpath]
pub(crate) async fn post(
    State(app): State<Arc<App>>,
    Path(product): Path<usize>,
    Json(wanted): Json<Wanted>,
) -> Result<Json<Reservation>, Error> {
    let shelf = if app.fixes.has(Fix::Guard) {
        reserve(&app.stock, &app.warehouse, product, wanted.pieces).await?
    } else {
        reserve_locked(&app.stock, &app.warehouse, product, wanted.pieces).await?
    };
    app.notifier.send(product as i64, "We laid your order aside.").await?;
    Ok(Json(Reservation { shelf, pieces: wanted.pieces }))
}

/// Lays pieces aside. Nobody else gets at the stock until the warehouse has answered.
#[hotpath]
async fn reserve_locked(
    stock: &Stock,
    warehouse: &Warehouse,
    product: usize,
    pieces: u32,
) -> Result<usize, Error> {
    let mut left = stock.left.lock().await;
    let left = left.get_mut(product).ok_or(Error::NotFound)?;
    let rest = left.checked_sub(pieces).ok_or(Error::SoldOut)?;
    let shelf = warehouse.lay_aside(product, pieces).await?;
    *left = rest;
    Ok(shelf)
}

/// As [`reserve_locked`], but takes the pieces first, and back if the warehouse refuses.
#[hotpath]
async fn reserve(
    stock: &Stock,
    warehouse: &Warehouse,
    product: usize,
    pieces: u32,
) -> Result<usize, Error> {
    stock.take(product, pieces).await?;
    let shelf = warehouse.lay_aside(product, pieces).await;
    if shelf.is_err() {
        stock.put_back(product, pieces).await;
    }
    shelf
}
