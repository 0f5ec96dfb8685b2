//! What all handlers share, and which path leads to which.

use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use hotpath_runtime::hotpath;

use crate::error::Error;
use crate::fix::{Fix, Fixes};
use crate::label::{self, Printer};
use crate::notifier::Notifier;
use crate::services::{Carrier, Customs, Warehouse};
use crate::stock::{self, Stock};
use crate::store::{Product, Sale, Store};
use crate::{history, offers, quote, trending};

/// The service's state.
pub(crate) struct App {
    pub(crate) fixes: Fixes,
    pub(crate) store: Store,
    /// By category.
    pub(crate) products: Vec<Product>,
    /// As of last night.
    pub(crate) sales: Vec<Sale>,
    pub(crate) stock: Stock,
    pub(crate) printer: Printer,
    pub(crate) notifier: Notifier,
    pub(crate) carrier: Carrier,
    pub(crate) customs: Customs,
    pub(crate) warehouse: Warehouse,
}

impl App {
    /// Makes the database in `folder`, and starts the task that writes letters.
    #[hotpath]
    pub(crate) async fn open(folder: &Path, fixes: Fixes) -> Result<Self, Error> {
        let store = Store::create(&folder.join("orders.sqlite")).await?;
        let mut products = store.products().await?;
        products.sort_by_key(|product| product.category);
        let sales = store.sales().await?;
        let notifier =
            if fixes.has(Fix::Channel) { Notifier::bounded() } else { Notifier::unbounded() };
        Ok(Self {
            fixes,
            store,
            products,
            sales,
            stock: Stock::new(),
            printer: Printer::default(),
            notifier,
            carrier: Carrier,
            customs: Customs,
            warehouse: Warehouse,
        })
    }
}

/// The paths of the service.
pub(crate) fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/customers/{customer}/orders", get(history::get))
        .route("/orders/{order}/quote", get(quote::get))
        .route("/orders/{order}/label", post(label::post))
        .route("/products/{product}/reservations", post(stock::post))
        .route("/categories/{category}/offers/{customer}", get(offers::get))
        .route("/trending/{day}", get(trending::get))
        .with_state(app)
}
