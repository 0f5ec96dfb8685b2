//! Names of functions as reports show them.

use syn::{Ident, Type};

/// `Type::method`.
pub fn method_name(type_name: &str, method: &Ident) -> String {
    format!("{type_name}::{method}")
}

/// The short name of an `impl` block's type: no path, no generics.
pub fn type_name(ty: &Type) -> String {
    match ty {
        Type::Path(path) => match path.path.segments.last() {
            Some(segment) => segment.ident.to_string(),
            None => "_".into(),
        },
        Type::Reference(reference) => {
            let mutability = if reference.mutability.is_some() { "mut " } else { "" };
            format!("&{mutability}{}", type_name(&reference.elem))
        }
        Type::Paren(inner) => type_name(&inner.elem),
        Type::Group(inner) => type_name(&inner.elem),
        Type::Slice(slice) => format!("[{}]", type_name(&slice.elem)),
        Type::Array(array) => format!("[{}; _]", type_name(&array.elem)),
        Type::Tuple(tuple) => {
            let parts: Vec<String> = tuple.elems.iter().map(type_name).collect();
            format!("({})", parts.join(", "))
        }
        Type::TraitObject(object) => format!("dyn {}", bound_name(object.bounds.first())),
        _ => "_".into(),
    }
}

fn bound_name(bound: Option<&syn::TypeParamBound>) -> String {
    match bound {
        Some(syn::TypeParamBound::Trait(bound)) => {
            bound.path.segments.last().map_or_else(|| "_".into(), |it| it.ident.to_string())
        }
        _ => "_".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short() {
        for (source, name) in [
            ("a::b::Store<'a, T>", "Store"),
            ("&'a mut Vec<u8>", "&mut Vec"),
            ("[u8; 4]", "[u8; _]"),
            ("[T]", "[T]"),
            ("(A, b::B)", "(A, B)"),
            ("dyn a::Draw + Send", "dyn Draw"),
            ("fn(u8) -> u8", "_"),
        ] {
            let ty: Type = syn::parse_str(source).unwrap();
            assert_eq!(type_name(&ty), name);
        }
    }
}
