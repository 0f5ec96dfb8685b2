//! JSON for version control: one function or site a line.

use std::fmt::Write as _;

use serde_json::Value;

/// Levels that are spread over lines: file, names, parts of a baseline and their members. What lies
/// below stands in one line.
const LEVELS: usize = 4;

/// The document, with a newline at its end.
pub(super) fn text(value: &Value) -> String {
    let mut out = String::new();
    spread(&mut out, value, 0);
    out.push('\n');
    out
}

fn spread(out: &mut String, value: &Value, level: usize) {
    match value {
        Value::Object(members) if level < LEVELS && !members.is_empty() => {
            out.push_str("{\n");
            for (index, (key, member)) in members.iter().enumerate() {
                // Writing to a string can't fail.
                let _ = write!(out, "{}{}: ", "  ".repeat(level + 1), Value::from(key.as_str()));
                spread(out, member, level + 1);
                out.push_str(if index + 1 < members.len() { ",\n" } else { "\n" });
            }
            let _ = write!(out, "{}}}", "  ".repeat(level));
        }
        _ => line(out, value),
    }
}

/// In one line, with a space behind each `:` and `,`.
fn line(out: &mut String, value: &Value) {
    match value {
        Value::Object(members) => {
            out.push('{');
            for (index, (key, member)) in members.iter().enumerate() {
                let comma = if index == 0 { "" } else { ", " };
                let _ = write!(out, "{comma}{}: ", Value::from(key.as_str()));
                line(out, member);
            }
            out.push('}');
        }
        Value::Array(elements) => {
            out.push('[');
            for (index, element) in elements.iter().enumerate() {
                out.push_str(if index == 0 { "" } else { ", " });
                line(out, element);
            }
            out.push(']');
        }
        plain => {
            let _ = write!(out, "{plain}");
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_lies_deep_stands_in_one_line() {
        let value = json!({"a": {"b": {"c": {"d": {"x": [1, 2], "y": null}, "e": {}}}}});
        let expected = "{\n  \"a\": {\n    \"b\": {\n      \"c\": {\n        \"d\": {\"x\": [1, 2], \
                        \"y\": null},\n        \"e\": {}\n      }\n    }\n  }\n}\n";
        assert_eq!(text(&value), expected);
        assert_eq!(serde_json::from_str::<Value>(expected).unwrap(), value);
    }
}
