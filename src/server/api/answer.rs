//! How answers are written: JSON in which no secret stands, whoever put it there.

use axum::Json;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::Value;

use crate::secret::Mask;
use crate::server::problem::Problem;

/// An answer with its secrets masked, text by text, so that the form stays whole.
///
/// # Errors
/// When it cannot be written, which is a bug of ours.
pub fn masked<T: Serialize>(answer: &T, mask: &Mask) -> Result<Response, Problem> {
    let mut value = serde_json::to_value(answer).map_err(|_| Problem::internal())?;
    hide(&mut value, mask);
    Ok(Json(value).into_response())
}

/// Masks all texts of a value.
pub fn hide(value: &mut Value, mask: &Mask) {
    match value {
        Value::String(text) => *text = mask.apply(text),
        Value::Array(items) => items.iter_mut().for_each(|item| hide(item, mask)),
        Value::Object(fields) => fields.values_mut().for_each(|field| hide(field, mask)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
