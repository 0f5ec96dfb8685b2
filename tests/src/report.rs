//! A report in JSON, with the questions that tests ask of it.

use std::ops::Index;

use serde_json::Value;

/// One report.
#[derive(Debug)]
pub struct Report(pub Value);

impl Report {
    fn rows(&self, list: &str) -> &[Value] {
        self.0[list].as_array().map_or(&[], Vec::as_slice)
    }

    /// Measured functions.
    pub fn functions(&self) -> &[Value] {
        self.rows("functions")
    }

    /// Findings, first to last.
    pub fn findings(&self) -> &[Value] {
        self.rows("findings")
    }

    /// The function with this last segment of its path.
    ///
    /// # Panics
    /// When there is none, or more than one.
    pub fn function(&self, name: &str) -> &Value {
        let last = |function: &Value| {
            function["path"].as_str().and_then(|path| path.rsplit("::").next()) == Some(name)
        };
        let mut found = self.functions().iter().filter(|function| last(function));
        let function = found.next().unwrap_or_else(|| panic!("no function {name}: {self:?}"));
        assert!(found.next().is_none(), "more than one function {name}: {self:?}");
        function
    }

    /// Calls from one function to another.
    ///
    /// # Panics
    /// When there are none.
    pub fn edge(&self, from: &str, to: &str) -> &Value {
        let (from, to) = (&self.function(from)["id"], &self.function(to)["id"]);
        self.rows("edges")
            .iter()
            .find(|edge| edge["caller"] == *from && edge["callee"] == *to)
            .unwrap_or_else(|| panic!("no edge: {self:?}"))
    }

    /// The first site of this kind in a function.
    ///
    /// # Panics
    /// When there is none.
    pub fn site(&self, function: &str, kind: &str) -> &Value {
        let id = &self.function(function)["id"];
        self.rows("sites")
            .iter()
            .find(|site| site["function"] == *id && site["kind"] == kind)
            .unwrap_or_else(|| panic!("no {kind} in {function}: {self:?}"))
    }

    /// Whether a quality warning with this id stands in it.
    pub fn warns_of(&self, id: &str) -> bool {
        self.0["quality"]["warnings"]
            .as_array()
            .is_some_and(|warnings| warnings.iter().any(|warning| warning["id"] == id))
    }

    /// What the quality warnings say.
    pub fn notes(&self) -> impl Iterator<Item = &str> {
        let warnings = self.0["quality"]["warnings"].as_array().map_or(&[][..], Vec::as_slice);
        warnings.iter().filter_map(|warning| warning["message"].as_str())
    }

    /// Σ self time of functions + outside time, in nanoseconds.
    ///
    /// # Panics
    /// When a figure is missing.
    pub fn accounted_ns(&self) -> f64 {
        let own = self.functions().iter().map(|function| number(&function["self_ns"]));
        own.sum::<f64>() + number(&self.0["totals"]["outside_ns"])
    }

    /// No share passes 100 %, alone or together.
    ///
    /// # Panics
    /// When one does.
    pub fn assert_shares_are_sane(&self) {
        let shares = |list: &str| -> Vec<f64> {
            self.rows(list).iter().map(|row| number(&row["self_pct"])).collect()
        };
        for list in ["functions", "breakdown"] {
            let sum: f64 = shares(list).iter().sum();
            assert!(sum <= 100.0 + 1e-6, "{list}: {sum} %");
            assert!(shares(list).iter().all(|share| (0.0..=100.0).contains(share)), "{list}");
        }
        for function in self.functions() {
            let wall = function["wall_pct"].as_f64().unwrap_or(0.0);
            assert!((0.0..=100.0).contains(&wall), "{function}");
            assert!(number(&function["self_ns"]) <= number(&function["total_ns"]), "{function}");
        }
    }
}

/// A figure that has to be there.
///
/// # Panics
/// When it is `null` or no number.
pub fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("no number: {value}"))
}

impl Index<&str> for Report {
    type Output = Value;

    fn index(&self, field: &str) -> &Value {
        &self.0[field]
    }
}
