//! An answer on its way: while its body is sent, its connection keeps its place.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::response::Response;
use hyper::body::{Bytes, Frame, SizeHint};

use super::places::Answering;

/// A body with what is held until it is sent.
struct Answered {
    body: Body,
    _held: Answering,
}

/// Holds a place until an answer is sent.
pub fn held(answer: Response, held: Answering) -> Response {
    answer.map(|body| Body::new(Answered { body, _held: held }))
}

impl hyper::body::Body for Answered {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
