//! What of an answer is taken, and for how long.

use hickory_resolver::proto::rr::rdata::{A, CNAME};

use super::*;

fn name(text: &str) -> Name {
    Name::from_utf8(text).unwrap()
}

fn address(owner: &str, seconds: u32, last: u8) -> Record {
    Record::from_rdata(name(owner), seconds, RData::A(A::new(10, 0, 0, last)))
}

fn alias(owner: &str, seconds: u32, of: &str) -> Record {
    Record::from_rdata(name(owner), seconds, RData::CNAME(CNAME(name(of))))
}

#[test]
fn only_what_was_asked_for_is_taken_for_as_long_as_all_of_it_holds() {
    for (records, expected, lasts) in [
        (vec![address("a.test.", 20, 7)], &[7][..], 20),
        (
            vec![address("A.test.", 20, 7), address("a.test.", 10, 8)],
            &[7, 8],
            10,
        ),
        (
            vec![address("a.test.", 20, 7), address("b.test.", 1, 8)],
            &[7],
            20,
        ),
        (vec![address("a.test.", 86_400, 7)], &[7], 30),
        // Through other names, in whatever order.
        (
            vec![
                address("c.test.", 20, 7),
                alias("b.test.", 5, "c.test."),
                alias("a.test.", 9, "b.test."),
            ],
            &[7],
            5,
        ),
        // Names that stand for each other lead nowhere.
        (
            vec![
                alias("a.test.", 9, "b.test."),
                alias("b.test.", 9, "a.test."),
            ],
            &[],
            2,
        ),
        (vec![], &[], 2),
    ] {
        let told = told(&name("a.test."), &records, RecordType::A);
        let addresses = match &told.answer {
            Ok(addresses) => addresses.to_vec(),
            Err(Miss::NoAddress) => Vec::new(),
            Err(other) => panic!("{other:?}"),
        };
        let expected: Vec<IpAddr> = expected
            .iter()
            .map(|n| IpAddr::from([10, 0, 0, *n]))
            .collect();
        assert_eq!(addresses, expected, "{records:?}");
        assert_eq!(told.lasts, Duration::from_secs(lasts), "{records:?}");
    }
}

#[test]
fn an_answer_with_thousands_of_addresses_is_cut() {
    let records: Vec<Record> = (0..200).map(|last| address("a.test.", 20, last)).collect();
    let told = told(&name("a.test."), &records, RecordType::A);
    assert_eq!(told.answer.unwrap().len(), MOST_ADDRESSES);
}
