//! The JSON Schema of the report, from the types that write it.

use schemars::Schema;
use schemars::generate::SchemaSettings;

use super::json::Report;

/// The schema of `smokejumper.report/1`.
#[must_use]
pub fn report() -> Schema {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    settings.into_generator().into_root_schema_for::<Report>()
}
