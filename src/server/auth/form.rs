//! Forms of our own pages: the field that tells them from forms of others.
//!
//! A page writes [`FIELD`] with `Doors::form_token` into each of its forms; a handler takes
//! [`OwnForm`], which refuses a body without it.

use axum::extract::{Form, FromRequest, Request};
use axum::http::StatusCode;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::Caller;
use crate::server::problem::Problem;
use crate::server::shared::Shared;

/// The name of the field.
pub const FIELD: &str = "form";

/// The fields of a form that one of our pages made for this caller.
#[derive(Clone, Debug)]
pub struct OwnForm<T> {
    /// Who sent it.
    pub caller: Caller,
    /// Its fields.
    pub fields: T,
}

#[derive(Deserialize)]
struct Proven<T> {
    #[serde(default)]
    form: String,
    #[serde(flatten)]
    fields: T,
}

impl<T: DeserializeOwned + Send> FromRequest<Shared> for OwnForm<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, shared: &Shared) -> Result<Self, Problem> {
        let foreign = || {
            let detail = "the form is too old, or not of this page: load the page again";
            Problem::new(StatusCode::FORBIDDEN, "foreign", detail)
        };
        let caller = request
            .extensions()
            .get::<Caller>()
            .cloned()
            .ok_or_else(foreign)?;
        let form = Form::<Proven<T>>::from_request(request, shared).await;
        let Form(Proven { form, fields }) = form.map_err(|rejection| {
            Problem::new(rejection.status(), "bad_request", rejection.body_text())
        })?;
        if !shared.doors().is_own_form(&caller, &form) {
            return Err(foreign());
        }
        Ok(Self { caller, fields })
    }
}
