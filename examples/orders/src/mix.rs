//! The load: which request comes when. The same sequence each time.

use crate::seed;

/// A path of the service, by the module that answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// What a customer has ordered.
    History,
    /// What sending an order costs.
    Quote,
    /// Pieces laid aside.
    Stock,
    /// A label on a parcel.
    Label,
    /// Prices for a customer.
    Offers,
    /// What sold best.
    Trending,
}

impl Route {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::History, Self::Quote, Self::Stock, Self::Label, Self::Offers, Self::Trending];

    /// The name in the summary: that of the module.
    pub const fn name(self) -> &'static str {
        match self {
            Self::History => "history",
            Self::Quote => "quote",
            Self::Stock => "stock",
            Self::Label => "label",
            Self::Offers => "offers",
            Self::Trending => "trending",
        }
    }
}

/// What comes in each twenty requests, before it is shuffled.
const DECK: [Route; 20] = [
    Route::History,
    Route::History,
    Route::History,
    Route::History,
    Route::History,
    Route::History,
    Route::History,
    Route::Quote,
    Route::Quote,
    Route::Stock,
    Route::Stock,
    Route::Stock,
    Route::Stock,
    Route::Label,
    Route::Label,
    Route::Offers,
    Route::Offers,
    Route::Trending,
    Route::Trending,
    Route::Trending,
];

/// What the client asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Who answers.
    pub route: Route,
    /// The path.
    pub path: String,
    /// What is posted, in JSON; `None` where nothing is.
    pub body: Option<String>,
}

impl Request {
    /// The request of this number.
    pub fn of(number: u64) -> Self {
        let length = DECK.len() as u64;
        let route = shuffled(number / length)[(number % length) as usize];
        let mut random = Random(number);
        let order = 1 + random.below(seed::ORDERS);
        let customer = 1 + random.below(seed::CUSTOMERS);
        let (path, body) = match route {
            Route::History => (format!("/customers/{customer}/orders"), None),
            Route::Quote => (format!("/orders/{order}/quote"), None),
            Route::Label => (format!("/orders/{order}/label"), Some(String::new())),
            Route::Stock => {
                let (product, pieces) = (1 + random.below(seed::PRODUCTS), 1 + random.below(9));
                let body = format!("{{\"pieces\":{pieces}}}");
                (format!("/products/{product}/reservations"), Some(body))
            }
            Route::Offers => {
                let category = 1 + random.below(seed::CATEGORIES);
                (format!("/categories/{category}/offers/{customer}"), None)
            }
            Route::Trending => (format!("/trending/{}", random.below(20)), None),
        };
        Self { route, path, body }
    }
}

fn shuffled(turn: u64) -> [Route; 20] {
    let mut deck = DECK;
    let mut random = Random(!turn);
    for last in (1..deck.len()).rev() {
        deck.swap(last, random.below(last as u32 + 1) as usize);
    }
    deck
}

/// A small pseudo-random generator (splitmix64).
struct Random(u64);

impl Random {
    fn below(&mut self, end: u32) -> u32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % u64::from(end)) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_twenty_requests_are_the_deck() {
        for turn in [0, 1, 77] {
            let mut rest = DECK.to_vec();
            for number in 20 * turn..20 * (turn + 1) {
                let route = Request::of(number).route;
                let at = rest.iter().position(|left| *left == route).expect("one is left");
                rest.swap_remove(at);
            }
            assert!(rest.is_empty());
        }
    }

    #[test]
    fn a_number_stands_for_one_request() {
        assert_eq!(Request::of(5), Request::of(5));
        let orders: Vec<_> =
            (0..20).map(Request::of).filter(|it| it.route == Route::Quote).collect();
        assert_ne!(orders[0].path, orders[1].path);
    }
}
