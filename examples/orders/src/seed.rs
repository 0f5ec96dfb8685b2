//! The tables, and the made-up business in them: the same one each time.

/// How many customers there are; numbered from 1, as everything here is.
pub(crate) const CUSTOMERS: u32 = 250;

/// How many orders there are: each customer has the same number of them.
pub(crate) const ORDERS: u32 = CUSTOMERS * ORDERS_EACH;

/// How many products there are, in categories of the same size.
pub(crate) const PRODUCTS: u32 = CATEGORIES * PRODUCTS_EACH;

/// How many categories there are.
pub(crate) const CATEGORIES: u32 = 4;

/// Products of a category.
pub(crate) const PRODUCTS_EACH: u32 = 500;

const ORDERS_EACH: u32 = 40;

/// Makes and fills the tables.
pub(crate) const TABLES: &str = "
CREATE TABLE customers (id INTEGER PRIMARY KEY, level INTEGER NOT NULL) STRICT;
CREATE TABLE products (
    id INTEGER PRIMARY KEY,
    category INTEGER NOT NULL,
    cents INTEGER NOT NULL,
    grams INTEGER NOT NULL
) STRICT;
CREATE TABLE orders (
    id INTEGER PRIMARY KEY,
    customer INTEGER NOT NULL REFERENCES customers,
    day INTEGER NOT NULL
) STRICT;
CREATE TABLE lines (
    order_id INTEGER NOT NULL REFERENCES orders,
    position INTEGER NOT NULL,
    product INTEGER NOT NULL REFERENCES products,
    pieces INTEGER NOT NULL,
    PRIMARY KEY (order_id, position)
) STRICT, WITHOUT ROWID;

BEGIN;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 250)
    INSERT INTO customers SELECT i, i * 7 % 4 FROM n;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
    INSERT INTO products SELECT i, 1 + (i - 1) / 500, 99 + i * 131 % 9900, 50 + i * 17 % 2000 FROM n;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
    INSERT INTO orders SELECT i, 1 + (i - 1) % 250, i / 100 FROM n;
WITH RECURSIVE
    n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000),
    p(k) AS (VALUES (1), (2), (3), (4))
    INSERT INTO lines SELECT i, k, 1 + (i * 7919 + k * k * 613) % 2000, 1 + (i + k) % 3 FROM n, p;
CREATE INDEX orders_of_customer ON orders (customer);
COMMIT;
";
