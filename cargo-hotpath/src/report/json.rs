//! The report as one JSON document, and its schema.

use hotpath_runtime::hotpath;
use schemars::generate::SchemaSettings;

use crate::schema::Report;

/// The report as JSON, indented, with a newline at the end.
///
/// # Panics
/// Never: the schema types have string keys only, which is all that JSON can refuse.
#[hotpath]
pub fn render(report: &Report) -> String {
    let mut text = serde_json::to_string_pretty(report).expect("string keys");
    text.push('\n');
    text
}

/// The JSON Schema of [`render`]'s document, as committed in `schema/report-v1.schema.json`.
///
/// It is that of writing: every field is required, as what was not measured is `null`.
pub fn schema() -> String {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    format!("{:#}\n", settings.into_generator().into_root_schema_for::<Report>().to_value())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Run once with `CARGO_HOTPATH_UPDATE_SCHEMA=1` after the schema types have changed.
    #[test]
    fn the_committed_schema_is_up_to_date() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/schema/report-v1.schema.json");
        if std::env::var_os("CARGO_HOTPATH_UPDATE_SCHEMA").is_some() {
            std::fs::write(path, schema()).expect("the schema can be written");
        }
        let committed = std::fs::read_to_string(path).expect("the schema is committed");
        assert!(
            committed == schema(),
            "{path} is out of date: CARGO_HOTPATH_UPDATE_SCHEMA=1 cargo test -p cargo-hotpath schema"
        );
    }
}
