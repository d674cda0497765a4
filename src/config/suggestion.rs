//! "Did you mean …?": the known name that is nearest to a misspelt one.

/// The known name that was probably meant, if one is near enough.
#[must_use]
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = plain(name);
    known
        .into_iter()
        .filter(|candidate| *candidate != name)
        .map(|candidate| (distance(&wanted, &plain(candidate)), candidate))
        .filter(|(distance, candidate)| *distance <= tolerance(&wanted, candidate))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// A help text: the nearest name, or all of them where they are few.
#[must_use]
pub fn did_you_mean<'a>(
    name: &str,
    known: impl IntoIterator<Item = &'a str> + Clone,
) -> Option<String> {
    if let Some(nearest) = nearest(name, known.clone()) {
        return Some(format!("did you mean `{nearest}`?"));
    }
    one_of(known)
}

/// The known names in one line, cut where they are many; `None` when there are none.
#[must_use]
pub fn one_of<'a>(known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let mut names: Vec<String> = known.into_iter().map(|name| format!("`{name}`")).collect();
    let more = names.len().saturating_sub(MOST_NAMES);
    names.truncate(MOST_NAMES);
    match names.as_slice() {
        [] => None,
        [only] => Some(format!("only {only} is known here")),
        several if more > 0 => Some(format!(
            "known here: {} and {more} more",
            several.join(", ")
        )),
        several => Some(format!("known here: {}", several.join(", "))),
    }
}

/// More names than these are no help.
const MOST_NAMES: usize = 16;

/// The longest name that is compared; a longer one is not a slip of the keyboard.
const LONGEST_NAME: usize = 64;

fn plain(name: &str) -> String {
    name.chars()
        .take(LONGEST_NAME)
        .map(|c| {
            if c == '-' || c == ' ' {
                '_'
            } else {
                c.to_ascii_lowercase()
            }
        })
        .collect()
}

fn distance(left: &str, right: &str) -> usize {
    strsim::damerau_levenshtein(left, right)
}

/// One slip in a short name, two in a longer one, three in a long one.
fn tolerance(wanted: &str, candidate: &str) -> usize {
    match wanted.chars().count().min(candidate.chars().count()) {
        0 => 0,
        1..=4 => 1,
        5..=8 => 2,
        _ => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_suggested_and_far_ones_are_not() {
        let known = ["timeout", "thresholds", "tags", "every", "http"];
        let cases = [
            ("timout", Some("timeout")),
            ("Timeout", Some("timeout")),
            ("threshold", Some("thresholds")),
            ("tag", Some("tags")),
            ("htpp", Some("http")),
            ("interval", None),
            ("x", None),
            ("", None),
        ];
        for (name, expected) in cases {
            assert_eq!(nearest(name, known), expected, "{name}");
        }
        assert_eq!(nearest("roll-back", ["roll_back"]), Some("roll_back"));
    }

    #[test]
    fn without_a_near_name_all_are_told() {
        let told = did_you_mean("zzz", ["core", "database"]);
        assert_eq!(told.as_deref(), Some("known here: `core`, `database`"));
        assert_eq!(did_you_mean("zzz", []), None);
    }
}
