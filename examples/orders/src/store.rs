//! The database: what is asked of it, one query each.

use std::path::Path;
use std::time::Duration;

use hotpath_runtime::hotpath;
use serde::Serialize;
use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

use crate::error::Error;
use crate::seed;

/// Connections of the pool; SQLite has a thread for each.
const CONNECTIONS: u32 = 4;

const BUSY: Duration = Duration::from_secs(5);

/// An order without its lines.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Order {
    pub(crate) id: i64,
    pub(crate) day: i64,
}

/// What is ordered of one product.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Line {
    pub(crate) product: i64,
    pub(crate) pieces: i64,
    pub(crate) cents: i64,
}

/// A product of the catalogue.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Product {
    pub(crate) id: i64,
    pub(crate) category: i64,
    pub(crate) cents: i64,
}

/// Pieces of a product, sold at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sale {
    pub(crate) product: u32,
    pub(crate) pieces: u32,
}

/// What goes by mail.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parcel {
    pub(crate) order: i64,
    pub(crate) grams: i64,
    pub(crate) cents: i64,
}

/// Orders, customers and products in a file.
pub(crate) struct Store {
    pool: SqlitePool,
}

#[hotpath]
impl Store {
    /// Makes the file, with the same content each time.
    pub(crate) async fn create(file: &Path) -> Result<Self, Error> {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // What is in it is made up: nobody misses it after a power cut.
            .synchronous(SqliteSynchronous::Off)
            .busy_timeout(BUSY);
        let pool = SqlitePoolOptions::new()
            .min_connections(CONNECTIONS)
            .max_connections(CONNECTIONS)
            // Connections to a file don't break.
            .test_before_acquire(false)
            .connect_with(options)
            .await?;
        sqlx::raw_sql(seed::TABLES).execute(&pool).await?;
        Ok(Self { pool })
    }

    /// The orders of a customer, by number.
    pub(crate) async fn orders_of(&self, customer: i64) -> Result<Vec<Order>, Error> {
        let orders: Vec<(i64, i64)> =
            sqlx::query_as("SELECT id, day FROM orders WHERE customer = ? ORDER BY id")
                .bind(customer)
                .fetch_all(&self.pool)
                .await?;
        Ok(orders.into_iter().map(|(id, day)| Order { id, day }).collect())
    }

    /// The lines of an order.
    pub(crate) async fn lines_of(&self, order: i64) -> Result<Vec<Line>, Error> {
        let lines: Vec<(i64, i64, i64)> = sqlx::query_as(
            "SELECT product, pieces, cents FROM lines JOIN products ON id = product \
             WHERE order_id = ? ORDER BY position",
        )
        .bind(order)
        .fetch_all(&self.pool)
        .await?;
        Ok(lines.into_iter().map(Line::from).collect())
    }

    /// The lines of all orders of a customer, by order.
    pub(crate) async fn lines_of_customer(&self, customer: i64) -> Result<Vec<(i64, Line)>, Error> {
        let lines: Vec<(i64, i64, i64, i64)> = sqlx::query_as(
            "SELECT order_id, product, pieces, cents FROM orders \
             JOIN lines ON order_id = orders.id JOIN products ON products.id = product \
             WHERE customer = ? ORDER BY order_id, position",
        )
        .bind(customer)
        .fetch_all(&self.pool)
        .await?;
        let line = |(order, product, pieces, cents)| (order, Line::from((product, pieces, cents)));
        Ok(lines.into_iter().map(line).collect())
    }

    /// Weight and value of an order.
    pub(crate) async fn parcel(&self, order: i64) -> Result<Parcel, Error> {
        let (order, grams, cents) = sqlx::query_as(
            "SELECT order_id, sum(pieces * grams), sum(pieces * cents) FROM lines \
             JOIN products ON id = product WHERE order_id = ? GROUP BY order_id",
        )
        .bind(order)
        .fetch_one(&self.pool)
        .await?;
        Ok(Parcel { order, grams, cents })
    }

    /// How good a customer is: from 0 to 3.
    pub(crate) async fn level_of(&self, customer: i64) -> Result<i64, Error> {
        let (level,) = sqlx::query_as("SELECT level FROM customers WHERE id = ?")
            .bind(customer)
            .fetch_one(&self.pool)
            .await?;
        Ok(level)
    }

    /// All products, by number.
    pub(crate) async fn products(&self) -> Result<Vec<Product>, Error> {
        let products: Vec<(i64, i64, i64)> =
            sqlx::query_as("SELECT id, category, cents FROM products ORDER BY id")
                .fetch_all(&self.pool)
                .await?;
        let product = |(id, category, cents)| Product { id, category, cents };
        Ok(products.into_iter().map(product).collect())
    }

    /// All that was sold, by order.
    pub(crate) async fn sales(&self) -> Result<Vec<Sale>, Error> {
        let sales: Vec<(u32, u32)> =
            sqlx::query_as("SELECT product, pieces FROM lines ORDER BY order_id, position")
                .fetch_all(&self.pool)
                .await?;
        Ok(sales.into_iter().map(|(product, pieces)| Sale { product, pieces }).collect())
    }

    /// Closes the file.
    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }
}

impl From<(i64, i64, i64)> for Line {
    fn from((product, pieces, cents): (i64, i64, i64)) -> Self {
        Self { product, pieces, cents }
    }
}
