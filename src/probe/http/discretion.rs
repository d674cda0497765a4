//! Keeping what a check sends out of what it says: a target that echoes its request must not make
//! a message repeat a credential.
//!
//! The mask of the outputs knows the secrets of the configuration. It cannot know their forms in a
//! request, nor find one that a shortened message cut in two: both are seen to here, before the
//! message is made.

use bytes::Bytes;
use http::HeaderValue;

use super::redirect::HARMLESS;
use crate::probe::wire::exchange::{Answer, Request};
use crate::probe::wire::message;
use crate::secret::{MASKED, Mask};

/// The mask of what `request` sends: its password, and every header that may be a credential.
pub fn mask(request: &Request) -> Mask {
    let mask = Mask::default();
    let hide = |value: &HeaderValue| {
        let text = String::from_utf8_lossy(value.as_bytes());
        mask.hide(&text);
        // `Bearer …`, `Basic …`: the token alone as well.
        if let Some((_, token)) = text.split_once(' ') {
            mask.hide(token);
        }
    };
    request
        .headers
        .iter()
        .filter(|(name, _)| !HARMLESS.contains(name))
        .for_each(|(_, value)| hide(value));
    if let Some(basic) = message::basic(&request.url) {
        hide(&basic);
    }
    if let Some(password) = request.url.password() {
        mask.hide(password);
        mask.hide(&String::from_utf8_lossy(&message::percent_decoded(
            password,
        )));
    }
    mask
}

/// The answer with everything hidden that `mask` knows; as it is where that is nothing.
pub fn masked(answer: &Answer, mask: &Mask) -> Answer {
    let mut masked = answer.clone();
    if let Some(text) = changed(&answer.body, mask) {
        masked.body = Bytes::from(text);
    }
    for value in masked.headers.values_mut() {
        if let Some(text) = changed(value.as_bytes(), mask) {
            *value = HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(MASKED));
        }
    }
    masked
}

fn changed(bytes: &[u8], mask: &Mask) -> Option<String> {
    let text = String::from_utf8_lossy(bytes);
    let masked = mask.apply(&text);
    (masked != text).then_some(masked)
}
