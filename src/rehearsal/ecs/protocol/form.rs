//! Parameters of the query protocol: `Targets.member.1.Id=x` is `{"Targets": [{"Id": "x"}]}`.
//! All values are texts, as they came.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// The operation (`Action`) and its parameters.
pub(super) fn read(body: &[u8]) -> Option<(String, Value)> {
    let mut root = Branch::default();
    let mut operation = None;
    for (name, value) in url::form_urlencoded::parse(body) {
        match &*name {
            "Action" => operation = Some(value.into_owned()),
            "Version" => {}
            name => root.put(name.split('.'), &value),
        }
    }
    Some((operation?, root.value()))
}

/// What stands under a part of a name.
#[derive(Debug, Default)]
struct Branch {
    text: Option<String>,
    parts: BTreeMap<String, Self>,
}

impl Branch {
    fn put<'a>(&mut self, mut path: impl Iterator<Item = &'a str>, text: &str) {
        match path.next() {
            None => self.text = Some(text.to_owned()),
            Some(part) => self
                .parts
                .entry(part.to_owned())
                .or_default()
                .put(path, text),
        }
    }

    fn value(self) -> Value {
        if let Some(text) = self.text {
            return Value::String(text);
        }
        let mut parts = self.parts;
        if let Some(members) = parts.remove(MEMBER) {
            let mut numbered: Vec<(u32, Value)> = members
                .parts
                .into_iter()
                .map(|(number, part)| (number.parse().unwrap_or(u32::MAX), part.value()))
                .collect();
            numbered.sort_by_key(|(number, _)| *number);
            return numbered.into_iter().map(|(_, value)| value).collect();
        }
        let members = parts.into_iter().map(|(name, part)| (name, part.value()));
        Value::Object(members.collect::<Map<_, _>>())
    }
}

/// The part of a name that says that a list follows.
const MEMBER: &str = "member";

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn lists_and_structures_come_out_of_their_names() {
        let body = b"Action=DescribeTargetHealth&Version=2015-12-01&TargetGroupArn=a%3Ab\
            &Targets.member.2.Id=y&Targets.member.1.Id=x&Targets.member.1.Port=80";
        let (operation, input) = read(body).unwrap();
        assert_eq!(operation, "DescribeTargetHealth");
        assert_eq!(
            input,
            json!({ "TargetGroupArn": "a:b", "Targets": [{ "Id": "x", "Port": "80" }, { "Id": "y" }] })
        );
        assert_eq!(read(b"TargetGroupArn=a"), None);
    }
}
