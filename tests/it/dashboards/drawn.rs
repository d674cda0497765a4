//! The dashboards as files: what Grafana needs to find in them, without a server.

use std::collections::BTreeSet;

use serde_json::Value;

/// The dashboards.
pub const ALL: [&str; 4] = ["overview", "window", "check", "prober"];

/// Where every panel and every variable gets its data: from what the reader chose.
const DATASOURCE: &str = "${datasource}";

/// A dashboard.
pub fn dashboard(name: &str) -> Value {
    let text = std::fs::read_to_string(super::file(&format!("{name}.json"))).expect("a dashboard");
    serde_json::from_str(&text).expect("JSON")
}

/// The elements of a list in it.
pub fn list<'a>(of: &'a Value, name: &str) -> &'a [Value] {
    let list = of[name].as_array();
    list.unwrap_or_else(|| panic!("{name} is a list in {of}"))
}

/// A text in it.
pub fn text<'a>(of: &'a Value, name: &str) -> &'a str {
    let text = of[name].as_str();
    text.unwrap_or_else(|| panic!("{name} is a text in {of}"))
}

#[test]
fn every_file_is_looked_at() {
    let folder = super::file("");
    let names = std::fs::read_dir(folder).expect("the folder").map(|entry| {
        let name = entry.expect("an entry").file_name();
        name.into_string().expect("a name")
    });
    let drawn: BTreeSet<String> = names
        .filter_map(|name| name.strip_suffix(".json").map(str::to_owned))
        .collect();
    assert_eq!(drawn, ALL.map(str::to_owned).into_iter().collect());
}

#[test]
fn every_dashboard_has_a_name_of_its_own_and_every_panel_a_number() {
    let (mut uids, mut titles) = (BTreeSet::new(), BTreeSet::new());
    for name in ALL {
        let dashboard = dashboard(name);
        assert!(uids.insert(text(&dashboard, "uid").to_owned()), "{name}");
        assert!(
            titles.insert(text(&dashboard, "title").to_owned()),
            "{name}"
        );
        assert!(
            dashboard["id"].is_null(),
            "{name}: Grafana numbers it itself"
        );
        let panels = list(&dashboard, "panels");
        let ids: BTreeSet<u64> = panels.iter().filter_map(|one| one["id"].as_u64()).collect();
        assert_eq!(ids.len(), panels.len(), "{name}");
        let titles: BTreeSet<&str> = panels.iter().map(|one| text(one, "title")).collect();
        assert_eq!(titles.len(), panels.len(), "{name}");
    }
}

#[test]
fn everything_is_asked_of_the_data_source_that_the_reader_chose() {
    for name in ALL {
        let dashboard = dashboard(name);
        let panels = list(&dashboard, "panels");
        let targets = panels.iter().flat_map(|panel| list(panel, "targets"));
        let variables = list(&dashboard["templating"], "list").iter();
        let variables = variables.filter(|variable| text(variable, "type") == "query");
        let marks = list(&dashboard["annotations"], "list").iter();
        for one in panels.iter().chain(targets).chain(variables).chain(marks) {
            assert_eq!(one["datasource"]["type"], "prometheus", "{name}: {one}");
            assert_eq!(one["datasource"]["uid"], DATASOURCE, "{name}: {one}");
        }
    }
}

#[test]
fn every_variable_is_declared_and_used() {
    for name in ALL {
        let dashboard = dashboard(name);
        let variables = list(&dashboard["templating"], "list").iter();
        let declared: BTreeSet<&str> = variables.map(|one| text(one, "name")).collect();
        assert!(declared.contains("datasource"), "{name}");
        let mut used = BTreeSet::from(["datasource"]);
        let whole = dashboard.to_string();
        for (at, _) in whole.match_indices('$') {
            let word = whole[at + 1..].trim_start_matches('{');
            let end = word.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            let word = &word[..end.unwrap_or(word.len())];
            // Two underscores begin what Grafana itself fills in.
            if !word.starts_with("__") {
                assert!(declared.contains(word), "{name}: ${word} is not declared");
                used.insert(declared.get(word).expect("declared"));
            }
        }
        assert_eq!(used, declared, "{name}");
    }
}

#[test]
fn every_panel_has_a_unit_and_a_place_where_no_other_is() {
    for name in ALL {
        let dashboard = dashboard(name);
        let mut taken = BTreeSet::new();
        for panel in list(&dashboard, "panels") {
            let title = text(panel, "title");
            text(&panel["fieldConfig"]["defaults"], "unit");
            let at = |key: &str| panel["gridPos"][key].as_u64().expect("a number");
            assert!(at("x") + at("w") <= 24, "{name}: {title} is too wide");
            for x in at("x")..at("x") + at("w") {
                for y in at("y")..at("y") + at("h") {
                    assert!(taken.insert((x, y)), "{name}: {title} covers another");
                }
            }
        }
    }
}
