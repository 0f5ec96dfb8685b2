//! Which function of the source a measured one is.

use std::collections::{BTreeMap, HashMap};

use crate::profile::{Function, Profile};
use crate::source::{Source, SourceFunction};

/// For each function of the profile its counterpart in the source.
///
/// By file and place of the name first. What is left over goes by target, module and name, in the
/// order of position: there lines moved since the run. Such a match is only taken when the sites
/// are of the same kinds, so that a function of a `macro_rules` body is not taken for another one
/// that has its name.
pub(super) fn counterparts<'s>(
    profile: &Profile,
    source: &'s Source,
) -> Vec<Option<&'s SourceFunction>> {
    let mut taken = vec![false; source.functions().len()];
    let mut found = at_their_place(profile, source, &mut taken);
    let mut by_name: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    for (index, function) in source.functions().iter().enumerate() {
        if !taken[index] {
            let key = (&function.target, &function.module, &function.registered);
            by_name.entry(key).or_default().push(index);
        }
    }
    for (function, found) in profile.functions.iter().zip(&mut found) {
        if found.is_some() || function.ordinal > 0 {
            continue;
        }
        let key = (&function.target, &function.module, &function.name);
        let Some(left) = by_name.get_mut(&key) else { continue };
        let fits = |&index: &usize| same_sites(function, &source.functions()[index]);
        if let Some(position) = left.iter().position(fits) {
            *found = Some(left.remove(position));
        }
    }
    found.into_iter().map(|index| index.map(|index| &source.functions()[index])).collect()
}

fn at_their_place(profile: &Profile, source: &Source, taken: &mut [bool]) -> Vec<Option<usize>> {
    let mut by_place: HashMap<(&str, u32, u32), Vec<usize>> = HashMap::new();
    for (index, function) in source.functions().iter().enumerate() {
        let place = (function.file.as_str(), function.line, function.column);
        by_place.entry(place).or_default().push(index);
    }
    let at_place = |function: &Function| {
        let candidates = by_place.get(&(function.file.as_str(), function.line, function.column))?;
        // A file that several targets have as a module is scanned for each of them.
        let of_target = |&&index: &&usize| {
            let other = &source.functions()[index];
            other.target == function.target && other.module == function.module
        };
        let index = *candidates.iter().find(of_target).or(candidates.first())?;
        // Something else may have moved to its place.
        let other = &source.functions()[index];
        (other.registered == function.name && other.is_async == function.is_async).then_some(index)
    };
    let mut found = Vec::with_capacity(profile.functions.len());
    for function in &profile.functions {
        let index = at_place(function);
        if let Some(index) = index {
            taken[index] = true;
        }
        found.push(index);
    }
    found
}

fn same_sites(measured: &Function, source: &SourceFunction) -> bool {
    measured.is_async == source.is_async
        && measured.sites.len() == source.sites.len()
        && measured.sites.iter().zip(&source.sites).all(|(a, b)| a.kind == b.kind.name())
}
