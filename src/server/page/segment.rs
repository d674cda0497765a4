//! Names as parts of an address.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Letters, digits and these stand for themselves (RFC 3986, section 2.3).
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A name as one part of a path or as the value of a query.
#[must_use]
pub fn segment(name: &str) -> String {
    utf8_percent_encode(name, ESCAPED).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_part_whatever_is_in_it() {
        assert_eq!(segment("api-health"), "api-health");
        assert_eq!(segment("a/b?c=d e&ü"), "a%2Fb%3Fc%3Dd%20e%26%C3%BC");
    }
}
