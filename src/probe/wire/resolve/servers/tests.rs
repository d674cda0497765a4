//! The search list.

use super::*;

fn name(text: &str) -> Name {
    Name::from_utf8(text).unwrap()
}

#[test]
fn names_that_are_not_whole_are_searched_for() {
    let search = [name("eu.internal."), name("internal.")];
    for (asked, dots, order) in [
        ("db.", 1, &["db."][..]),
        ("db", 1, &["db.eu.internal.", "db.internal.", "db."]),
        (
            "api.test",
            1,
            &["api.test.", "api.test.eu.internal.", "api.test.internal."],
        ),
        (
            "api.test",
            5,
            &["api.test.eu.internal.", "api.test.internal.", "api.test."],
        ),
    ] {
        let found = candidates(&name(asked), &search, dots);
        let order: Vec<Name> = order.iter().map(|text| name(text)).collect();
        assert_eq!(found, order, "{asked} {dots}");
    }
    assert_eq!(candidates(&name("db"), &[], 1), [name("db.")]);
}
