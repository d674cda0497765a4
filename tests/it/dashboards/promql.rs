//! What a query asks for: its selectors, and the labels that it groups by. No parser of PromQL, which
//! Prometheus is: queries come here only after it has taken them.

/// The metrics and labels that a query names.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Named {
    pub selectors: Vec<Selector>,
    pub groupings: Vec<String>,
}

/// A metric with its matchers.
#[derive(Debug, PartialEq, Eq)]
pub struct Selector {
    pub metric: String,
    pub matchers: Vec<Matcher>,
}

/// `label op "value"`.
#[derive(Debug, PartialEq, Eq)]
pub struct Matcher {
    pub label: String,
    pub value: String,
    pub is_pattern: bool,
}

/// Words after which labels stand in parentheses.
const GROUPING: [&str; 6] = [
    "by",
    "without",
    "on",
    "ignoring",
    "group_left",
    "group_right",
];
/// Words that are no metric although no parenthesis need follow.
const KEYWORDS: [&str; 16] = [
    "and", "or", "unless", "bool", "offset", "inf", "nan", "sum", "min", "max", "avg", "count",
    "group", "topk", "bottomk", "quantile",
];

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    Text(String),
    Sign(char),
}

/// Reads what a query names.
pub fn named(query: &str) -> Named {
    let tokens = tokens(query);
    let mut named = Named::default();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        at += 1;
        let Token::Word(word) = token else {
            assert_ne!(
                *token,
                Token::Sign('{'),
                "a selector without a metric: {query}"
            );
            continue;
        };
        let next = tokens.get(at);
        if next == Some(&Token::Sign('(')) && GROUPING.contains(&word.as_str()) {
            while let Some(token) = tokens.get(at).filter(|token| **token != Token::Sign(')')) {
                if let Token::Word(label) = token {
                    named.groupings.push(label.clone());
                }
                at += 1;
            }
        } else if next != Some(&Token::Sign('(')) && !KEYWORDS.contains(&word.as_str()) {
            let mut selector = Selector {
                metric: word.clone(),
                matchers: Vec::new(),
            };
            if next == Some(&Token::Sign('{')) {
                at = matchers(&tokens, at + 1, &mut selector.matchers);
            }
            named.selectors.push(selector);
        }
    }
    named
}

fn matchers(tokens: &[Token], mut at: usize, found: &mut Vec<Matcher>) -> usize {
    while let Some(Token::Word(label)) = tokens.get(at) {
        at += 1;
        let mut is_pattern = false;
        while let Some(Token::Sign(sign @ ('=' | '!' | '~'))) = tokens.get(at) {
            is_pattern |= *sign == '~';
            at += 1;
        }
        let Some(Token::Text(value)) = tokens.get(at) else {
            panic!("a matcher without a value: {tokens:?}");
        };
        found.push(Matcher {
            label: label.clone(),
            value: value.clone(),
            is_pattern,
        });
        // The value and what follows it.
        at += 1 + usize::from(tokens.get(at + 1) == Some(&Token::Sign(',')));
    }
    at
}

fn tokens(query: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = query.trim_start();
    while let Some(first) = rest.chars().next() {
        let in_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ':');
        let length = rest.find(|c| !in_word(c)).unwrap_or(rest.len());
        let taken = match first {
            '"' | '\'' => {
                let text: String = rest[1..].chars().take_while(|c| *c != first).collect();
                assert!(!text.contains('\\'), "nothing is escaped here: {query}");
                let taken = text.len() + 2;
                tokens.push(Token::Text(text));
                taken
            }
            // A number, or a span of time.
            '0'..='9' => length,
            _ if length > 0 => {
                tokens.push(Token::Word(rest[..length].to_owned()));
                length
            }
            _ => {
                tokens.push(Token::Sign(first));
                first.len_utf8()
            }
        };
        rest = rest[taken..].trim_start();
    }
    tokens
}

#[test]
fn a_query_is_understood() {
    let query = r#"histogram_quantile(0.95, sum by (service, le) (
        rate(a_bucket{service=~"x|y",kind!="http",}[5m]))) > 0.5 and on(job) b or vector(0)"#;
    let found = named(query);
    let metrics: Vec<&str> = found.selectors.iter().map(|one| &*one.metric).collect();
    assert_eq!(metrics, ["a_bucket", "b"]);
    assert_eq!(found.groupings, ["service", "le", "job"]);
    let matchers = &found.selectors[0].matchers;
    assert_eq!(matchers.len(), 2, "{matchers:?}");
    assert_eq!(
        (&*matchers[0].label, &*matchers[0].value),
        ("service", "x|y")
    );
    assert!(matchers[0].is_pattern && !matchers[1].is_pattern);
}
