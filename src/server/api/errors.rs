//! The errors of operations, as the description tells them. What each looks like stands in
//! `server::problem`.

#![expect(
    dead_code,
    reason = "the description is made of them; nobody holds one"
)]

use utoipa::IntoResponses;

use crate::server::problem::ProblemBody;

/// The errors of a question.
#[derive(IntoResponses)]
pub enum AskErrors {
    /// A parameter makes no sense.
    #[response(status = 400, content_type = "application/problem+json")]
    Senseless(ProblemBody),
    /// No token was shown, or none that is known.
    #[response(status = 401, content_type = "application/problem+json")]
    Nobody(ProblemBody),
    /// Without tokens only requests to localhost are answered.
    #[response(status = 421, content_type = "application/problem+json")]
    Elsewhere(ProblemBody),
    /// Too many requests: see `Retry-After`.
    #[response(status = 429, content_type = "application/problem+json")]
    TooMany(ProblemBody),
    /// The daemon or its history does not answer now.
    #[response(status = 503, content_type = "application/problem+json")]
    NotNow(ProblemBody),
}

/// The error of a question about one thing.
#[derive(IntoResponses)]
pub enum NoSuchThing {
    /// It does not exist.
    #[response(status = 404, content_type = "application/problem+json")]
    Unknown(ProblemBody),
}

/// The errors of an order, besides those of a question.
#[derive(IntoResponses)]
pub enum OrderErrors {
    /// The token's scope is not `act`, or another page sent this.
    #[response(status = 403, content_type = "application/problem+json")]
    Forbidden(ProblemBody),
    /// What it names does not exist.
    #[response(status = 404, content_type = "application/problem+json")]
    Unknown(ProblemBody),
    /// Things are not so that it could be done.
    #[response(status = 409, content_type = "application/problem+json")]
    Conflict(ProblemBody),
    /// The body is larger than any order.
    #[response(status = 413, content_type = "application/problem+json")]
    TooLarge(ProblemBody),
    /// The body is not JSON.
    #[response(status = 415, content_type = "application/problem+json")]
    BadType(ProblemBody),
    /// It can be read and makes no sense.
    #[response(status = 422, content_type = "application/problem+json")]
    Senseless(ProblemBody),
}
