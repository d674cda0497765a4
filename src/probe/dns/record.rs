//! The types of records that can be asked for, and a record as the text with which people compare
//! it. Reads what a stranger sent; whatever cannot be shown better is shown as its library does.

use hickory_resolver::proto::rr::{Name, RData, RecordType};
use schemars::JsonSchema;
use serde::Deserialize;

/// A type of record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Sort {
    /// IPv4 addresses.
    #[default]
    A,
    /// IPv6 addresses.
    Aaaa,
    /// Which authorities may issue certificates: `0 issue "letsencrypt.org"`.
    Caa,
    /// The name for which this one stands.
    Cname,
    /// How to reach a web service.
    Https,
    /// Mail servers: `10 mail.example.com`.
    Mx,
    /// Rules that make names of others.
    Naptr,
    /// The name servers of a zone.
    Ns,
    /// The name of an address.
    Ptr,
    /// The head of a zone: `ns1.example.com admin.example.com 2026112201 7200 3600 1209600 300`.
    Soa,
    /// Places of a service: `0 5 443 api.example.com`.
    Srv,
    /// Keys of SSH servers.
    Sshfp,
    /// How to reach a service.
    Svcb,
    /// Certificates that a service may show.
    Tlsa,
    /// Texts; the parts of one record are joined.
    Txt,
}

impl Sort {
    /// The type as the library names it.
    pub const fn record_type(self) -> RecordType {
        match self {
            Self::A => RecordType::A,
            Self::Aaaa => RecordType::AAAA,
            Self::Caa => RecordType::CAA,
            Self::Cname => RecordType::CNAME,
            Self::Https => RecordType::HTTPS,
            Self::Mx => RecordType::MX,
            Self::Naptr => RecordType::NAPTR,
            Self::Ns => RecordType::NS,
            Self::Ptr => RecordType::PTR,
            Self::Soa => RecordType::SOA,
            Self::Srv => RecordType::SRV,
            Self::Sshfp => RecordType::SSHFP,
            Self::Svcb => RecordType::SVCB,
            Self::Tlsa => RecordType::TLSA,
            Self::Txt => RecordType::TXT,
        }
    }
}

/// A record as a text: names in lower case and without the dot at their end.
pub fn text(data: &RData) -> String {
    match data {
        RData::CNAME(alias) => plain(&alias.0),
        RData::NS(server) => plain(&server.0),
        RData::PTR(pointer) => plain(&pointer.0),
        RData::MX(mail) => format!("{} {}", mail.preference, plain(&mail.exchange)),
        RData::SRV(place) => format!(
            "{} {} {} {}",
            place.priority,
            place.weight,
            place.port,
            plain(&place.target)
        ),
        RData::SOA(head) => format!(
            "{} {} {} {} {} {} {}",
            plain(&head.mname),
            plain(&head.rname),
            head.serial,
            head.refresh,
            head.retry,
            head.expire,
            head.minimum
        ),
        // An option of the message, which the library cannot show.
        RData::OPT(_) => String::new(),
        other => other.to_string(),
    }
}

/// A name in lower case and without the dot at its end; the root is that dot.
pub fn plain(name: &Name) -> String {
    let text = name.to_lowercase().to_ascii();
    match text.strip_suffix('.') {
        Some(rest) if !rest.is_empty() => rest.to_owned(),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hickory_resolver::proto::rr::rdata::{MX, SOA, SRV, TXT};
    use std::net::Ipv4Addr;

    #[test]
    fn a_record_reads_as_people_write_it() {
        let name = |text: &str| Name::from_utf8(text).unwrap();
        for (data, expected) in [
            (RData::A(Ipv4Addr::new(192, 0, 2, 1).into()), "192.0.2.1"),
            (RData::MX(MX::new(10, name("Mail.Test."))), "10 mail.test"),
            (RData::MX(MX::new(0, name("."))), "0 ."),
            (
                RData::SRV(SRV::new(0, 5, 443, name("api.test."))),
                "0 5 443 api.test",
            ),
            (
                RData::TXT(TXT::new(vec!["v=spf1 ".to_owned(), "-all".to_owned()])),
                "v=spf1 -all",
            ),
            (
                RData::SOA(SOA::new(name("ns.test."), name("me.test."), 7, 1, 2, 3, 4)),
                "ns.test me.test 7 1 2 3 4",
            ),
        ] {
            assert_eq!(text(&data), expected);
        }
    }
}
