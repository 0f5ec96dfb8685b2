//! Stand-ins for services elsewhere: each answers after a fixed time.
//!
//! They are not measured, as the client libraries in their place would not be.

use std::time::Duration;

use tokio::time::sleep;

use crate::error::Error;
use crate::notifier::Letter;
use crate::store::Parcel;

const CARRIER: Duration = Duration::from_millis(10);
const CUSTOMS: Duration = Duration::from_millis(10);
const WAREHOUSE: Duration = Duration::from_millis(2);
const MAILER: Duration = Duration::from_millis(5);

/// The heaviest that the carrier takes.
const HEAVIEST_GRAMS: i64 = 100_000;

/// Brings parcels.
pub(crate) struct Carrier;

impl Carrier {
    /// What bringing the parcel costs, in cents.
    pub(crate) async fn postage(&self, parcel: Parcel) -> Result<i64, Error> {
        sleep(CARRIER).await;
        if parcel.grams > HEAVIEST_GRAMS {
            return Err(Error::Refused("the parcel is too heavy for the carrier"));
        }
        Ok(390 + parcel.grams / 10)
    }
}

/// Takes its share.
pub(crate) struct Customs;

impl Customs {
    /// What is to be paid for the parcel, in cents.
    pub(crate) async fn duty(&self, parcel: Parcel) -> Result<i64, Error> {
        sleep(CUSTOMS).await;
        if parcel.cents < 0 {
            return Err(Error::Refused("the parcel's value is negative"));
        }
        Ok(parcel.cents / 20)
    }
}

/// Has the pieces on its shelves.
pub(crate) struct Warehouse;

impl Warehouse {
    /// The shelf where pieces of the product were laid aside.
    pub(crate) async fn lay_aside(&self, product: usize, pieces: u32) -> Result<usize, Error> {
        sleep(WAREHOUSE).await;
        if pieces > 1_000 {
            return Err(Error::Refused("the warehouse lays aside no more than 1000 pieces"));
        }
        Ok(product % 100)
    }
}

/// Sends letters to customers.
pub(crate) struct Mailer;

impl Mailer {
    /// Takes letters, any number at a time; how many there was something in.
    pub(crate) async fn send(&self, letters: &[Letter]) -> usize {
        sleep(MAILER).await;
        letters.iter().filter(|letter| !letter.html.is_empty()).count()
    }
}
