//! What it costs to send an order. Holds the planted fault `sequential`.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use hotpath_runtime::hotpath;
use serde::Serialize;

use crate::app::App;
use crate::error::Error;
use crate::fix::Fix;
use crate::services::{Carrier, Customs};
use crate::store::Parcel;

/// What is to be paid beside the order itself.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Quote {
    postage_cents: i64,
    duty_cents: i64,
}

/// `GET /orders/{order}/quote`
#[hotpath]
pub(crate) async fn get(
    State(app): State<Arc<App>>,
    Path(order): Path<i64>,
) -> Result<Json<Quote>, Error> {
    let parcel = app.store.parcel(order).await?;
    let quote = if app.fixes.has(Fix::Sequential) {
        at_once(&app.carrier, &app.customs, parcel).await?
    } else {
        in_turn(&app.carrier, &app.customs, parcel).await?
    };
    app.notifier.send(order, "We worked out what it costs to send your order.").await?;
    Ok(Json(quote))
}

/// Asks the carrier, waits, and only then asks the customs.
#[hotpath]
async fn in_turn(carrier: &Carrier, customs: &Customs, parcel: Parcel) -> Result<Quote, Error> {
    let postage_cents = carrier.postage(parcel).await?;
    let duty_cents = customs.duty(parcel).await?;
    Ok(Quote { postage_cents, duty_cents })
}

/// As [`in_turn`], but waits for both at once.
#[hotpath]
async fn at_once(carrier: &Carrier, customs: &Customs, parcel: Parcel) -> Result<Quote, Error> {
    let (postage_cents, duty_cents) =
        tokio::try_join!(carrier.postage(parcel), customs.duty(parcel))?;
    Ok(Quote { postage_cents, duty_cents })
}
