//! Names of functions and sites that stay the same when lines move.

use std::collections::HashMap;

/// A site by its index, kind and text.
pub type Place<'a> = (usize, &'a str, &'a str);

/// A name for each function of these paths and ids: the path, followed by the id where others have the
/// same path (`macro_rules` bodies, packages with targets of one name).
pub fn functions(all: &[(&str, &str)]) -> Vec<String> {
    let mut by_path: HashMap<&str, usize> = HashMap::new();
    for (path, _) in all {
        *by_path.entry(path).or_default() += 1;
    }
    let name = |(path, id): &(&str, &str)| match by_path.get(path) {
        Some(0 | 1) | None => (*path).to_owned(),
        Some(_) => format!("{path} [{id}]"),
    };
    all.iter().map(name).collect()
}

/// A name for each row of a function's sites, those of one site alike: the function's, kind and text,
/// and a number where an earlier site of the function has the same.
pub fn sites(function: &str, rows: &[Place<'_>]) -> Vec<String> {
    let mut places = rows.to_vec();
    places.sort_unstable();
    places.dedup();
    let number = |(index, kind, text): &Place<'_>| {
        let is_same = |other: &&Place<'_>| other.0 < *index && (&other.1, &other.2) == (kind, text);
        places.iter().filter(is_same).count() + 1
    };
    let name = |place: &Place<'_>| {
        let (_, kind, text) = place;
        match number(place) {
            1 => format!("{function} {kind} `{text}`"),
            number => format!("{function} {kind} `{text}` #{number}"),
        }
    };
    rows.iter().map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_functions_that_share_a_path_carry_their_id() {
        let names = functions(&[("m::f", "1"), ("m::g", "2"), ("m::f", "3")]);
        assert_eq!(names, ["m::f [1]", "m::g", "m::f [3]"]);
    }

    #[test]
    fn sites_are_told_apart_by_kind_text_and_order() {
        let rows = [
            (0, "clone", "x.clone()"),
            (2, "clone", "x.clone()"),
            (0, "clone", "x.clone()"),
            (1, "clone", "y.clone()"),
        ];
        assert_eq!(
            sites("m::f", &rows),
            [
                "m::f clone `x.clone()`",
                "m::f clone `x.clone()` #2",
                "m::f clone `x.clone()`",
                "m::f clone `y.clone()`"
            ]
        );
    }
}
