//! A problem of the configuration as a value: what, where, and what to type instead.
//!
//! Found by `config` and `plan`, many in one run; shown by `diagnostic`. Nothing here prints.

use super::place::Place;

/// How serious a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Nothing is run.
    Error,
    /// It is run, and a person should know.
    Warning,
}

/// One problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// How serious it is.
    pub severity: Severity,
    /// What sort of problem it is.
    pub code: Code,
    /// What is wrong, as a lower-case fragment.
    pub message: String,
    /// Where; absent when no file can be pointed at.
    pub place: Option<Place>,
    /// What is there, in a few words beside the caret.
    pub label: Option<String>,
    /// Other places that matter, each with a few words.
    pub others: Vec<(Place, String)>,
    /// What to type instead.
    pub help: Option<String>,
}

impl Problem {
    /// An error without a place.
    #[must_use]
    pub fn error(code: Code, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            code,
            message: message.into(),
            place: None,
            label: None,
            others: Vec::new(),
            help: None,
        }
    }

    /// A warning without a place.
    #[must_use]
    pub fn warning(code: Code, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(code, message)
        }
    }

    /// The same problem, at a place.
    #[must_use]
    pub fn at(mut self, place: &Place) -> Self {
        self.place = Some(place.clone());
        self
    }

    /// The same problem with a few words beside the caret.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// The same problem with another place that matters.
    #[must_use]
    pub fn other(mut self, place: &Place, label: impl Into<String>) -> Self {
        self.others.push((place.clone(), label.into()));
        self
    }

    /// The same problem with what to type instead.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The same problem with what to type instead, where that is known.
    #[must_use]
    pub fn maybe_help(mut self, help: Option<String>) -> Self {
        self.help = help.or(self.help);
        self
    }

    /// Whether nothing can be run because of it.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// Puts problems in the order in which a person reads: file after file as they were given, line
/// after line; what has no place comes first. What was found twice is told once.
#[must_use]
pub fn in_reading_order(mut problems: Vec<Problem>, files: &[std::path::PathBuf]) -> Vec<Problem> {
    let rank = |problem: &Problem| {
        problem.place.as_ref().map(|place| {
            let path = place.file().path();
            let file = files.iter().position(|known| known == path);
            (file.unwrap_or(files.len()), place.range().start)
        })
    };
    problems.sort_by_key(|problem| (rank(problem), problem.severity));
    let mut told: Vec<Problem> = Vec::with_capacity(problems.len());
    for problem in problems {
        // What is alike stands together: another place is not looked at.
        let mut here = told
            .iter()
            .rev()
            .take_while(|known| known.place == problem.place);
        if !here.any(|known| *known == problem) {
            told.push(problem);
        }
    }
    told
}

macro_rules! codes {
    ($($name:ident = $id:literal, $meaning:literal;)*) => {
        /// What sort of problem it is. The identifiers are for ever: one that is given up is not
        /// given to another sort.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code {
            $(#[doc = $meaning] $name,)*
        }

        impl Code {
            /// Every sort of problem.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The identifier: `SJ0101`.
            #[must_use]
            pub const fn id(self) -> &'static str {
                match self { $(Self::$name => $id,)* }
            }

            /// One line on what it means.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$name => $meaning,)* }
            }
        }
    };
}

codes! {
    // Files.
    Unreadable = "SJ0101", "A file or folder cannot be read.";
    NothingToRead = "SJ0102", "There is no configuration.";
    TooLarge = "SJ0103", "A file is larger than a configuration can be.";
    // YAML.
    Syntax = "SJ0201", "The file is not YAML.";
    DuplicateKey = "SJ0202", "One key is defined twice.";
    UnquotedBraces = "SJ0203", "A reference in braces needs quotes here.";
    OutsideTheLanguage = "SJ0204", "A part of YAML that this language leaves out.";
    Boundless = "SJ0205", "Nested too deep, or too large once the aliases are filled in.";
    // Substitution.
    UnsetVariable = "SJ0301", "A variable is not set.";
    BadReference = "SJ0302", "A reference that is none of the known forms.";
    SecretFile = "SJ0303", "A file that should hold a secret cannot be read.";
    // Shape.
    UnknownKey = "SJ0401", "A key that the language does not know.";
    MissingKey = "SJ0402", "A key that must be there is not.";
    WrongType = "SJ0403", "A value of another type than the setting takes.";
    BadValue = "SJ0404", "A value that the setting does not take.";
    BadName = "SJ0405", "A name with characters that names cannot have.";
    DuplicateName = "SJ0406", "One name is given twice.";
    KindCount = "SJ0407", "A check has no kind, or more than one.";
    UnknownKind = "SJ0408", "A kind of check that does not exist.";
    EmptyExpectation = "SJ0409", "An expectation that expects nothing.";
    // References.
    UnknownReference = "SJ0501", "A name that nobody has.";
    Ambiguous = "SJ0502", "Several could be meant, and none is named.";
    NoChecks = "SJ0503", "Nothing to check.";
    // Thresholds.
    BadThreshold = "SJ0601", "A threshold that is no comparison with a limit.";
    UnknownSubject = "SJ0602", "A threshold on something that the check does not measure.";
    ThresholdOrder = "SJ0603", "The warning is stricter or laxer than it can be.";
    // What cannot happen.
    TimeoutTooLong = "SJ0701", "A run may take longer than the interval between runs.";
    BakeTooShort = "SJ0702", "The bake is over before there are samples enough.";
    NeverBreached = "SJ0703", "A limit that no window can breach.";
    UnsafeChoice = "SJ0704", "A choice that would act without proof.";
    Unresolved = "SJ0705", "A limit that the samples of a window cannot tell from health.";
    HeavyLoad = "SJ0706", "A load that not every target bears.";
    // What this version does.
    NotAvailable = "SJ0801", "Part of the language, and not available in this version.";
    NotInEffect = "SJ0802", "Part of the language, and not in effect in this version.";
    Unused = "SJ0803", "Declared, and without effect as it stands.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_an_identifier_of_its_own() {
        let mut ids: Vec<_> = Code::ALL.iter().map(|code| code.id()).collect();
        ids.sort_unstable();
        let count = ids.len();
        ids.dedup();
        assert_eq!(ids.len(), count);
        assert!(ids.iter().all(|id| id.len() == 6 && id.starts_with("SJ")));
    }
}
