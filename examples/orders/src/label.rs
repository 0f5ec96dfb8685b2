//! The labels on parcels. Holds the planted fault `blocking`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use hotpath_runtime::hotpath;
use serde::Serialize;
use tokio::task;

use crate::app::App;
use crate::error::Error;
use crate::fix::Fix;
use crate::store::Parcel;

/// How long the printer takes to feed a label; its driver has no call that doesn't wait for it.
const FEED: Duration = Duration::from_millis(3);

/// A printer of labels.
#[derive(Debug, Default)]
pub(crate) struct Printer {
    printed: AtomicU64,
}

/// A label that was printed.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Label {
    text: String,
}

impl Printer {
    fn label(&self, parcel: Parcel) -> Label {
        self.printed.fetch_add(1, Ordering::Relaxed);
        Label { text: format!("order {}, {} g", parcel.order, parcel.grams) }
    }

    /// Labels printed so far.
    pub(crate) fn printed(&self) -> u64 {
        self.printed.load(Ordering::Relaxed)
    }
}

/// `POST /orders/{order}/label`
#[hotpath]
pub(crate) async fn post(
    State(app): State<Arc<App>>,
    Path(order): Path<i64>,
) -> Result<Json<Label>, Error> {
    let parcel = app.store.parcel(order).await?;
    let label = if app.fixes.has(Fix::Blocking) {
        print_aside(&app.printer, parcel).await?
    } else {
        print(&app.printer, parcel).await
    };
    app.notifier.send(order, "Your order is on its way.").await?;
    Ok(Json(label))
}

/// Prints the label of a parcel. No other task runs on this thread meanwhile.
#[hotpath]
async fn print(printer: &Printer, parcel: Parcel) -> Label {
    let label = printer.label(parcel);
    thread::sleep(FEED);
    label
}

/// As [`print`], on a thread that is there for such calls.
#[hotpath]
async fn print_aside(printer: &Printer, parcel: Parcel) -> Result<Label, Error> {
    let label = printer.label(parcel);
    task::spawn_blocking(|| thread::sleep(FEED)).await?;
    Ok(label)
}
