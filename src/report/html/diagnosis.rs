//! What the platform knows of a deployment that failed: what a person would collect by hand.

use maud::{Markup, html};

use super::story::{Diagnosis, StoppedTask};

/// Draws it; nothing where nothing was found.
pub(super) fn draw(found: &Diagnosis) -> Markup {
    html! {
        section aria-labelledby="diagnosis" {
            h2 id="diagnosis" { "What the platform knows" }
            @if !found.differences.is_empty() { (differences(found)) }
            @for task in &found.stopped_tasks { (stopped(task)) }
            @if !found.target_health.is_empty() { (health(found)) }
            @if !found.events.is_empty() {
                h3 { "Its events, the newest first" }
                ul class="events" {
                    @for event in &found.events {
                        li { @if let Some(at) = &event.at { span class="soft" { (at) " " } } (event.text) }
                    }
                }
            }
            @if !found.gaps.is_empty() {
                h3 { "What could not be looked at" }
                ul { @for gap in &found.gaps { li { (gap) } } }
            }
        }
    }
}

fn differences(found: &Diagnosis) -> Markup {
    html! {
        div class="wide" role="region" tabindex="0" aria-label="What differs between the revisions" {
            table {
                caption { "What differs between the revisions" }
                thead { tr { th scope="col" { "What" } th scope="col" { "Before" } th scope="col" { "Under test" } } }
                tbody {
                    @for one in &found.differences {
                        tr { th scope="row" { (one.name) } td { code { (one.from) } } td { code { (one.to) } } }
                    }
                }
            }
        }
    }
}

fn stopped(task: &StoppedTask) -> Markup {
    let why: Vec<&str> = [task.code.as_deref(), task.reason.as_deref()]
        .into_iter()
        .flatten()
        .collect();
    html! {
        h3 { "Task " code { (task.id) } " of " (task.revision) " stopped" }
        @if !why.is_empty() { p { (why.join(": ")) } }
        @for container in &task.containers {
            p {
                code { (container.name) }
                @if let Some(code) = container.exit_code { ": exit code " (code) }
                @if let Some(reason) = &container.reason { ", " (reason) }
            }
            @if !container.log.is_empty() {
                pre role="region" tabindex="0" aria-label={ "Last words of " (container.name) } { (container.log.join("\n")) }
            }
        }
    }
}

fn health(found: &Diagnosis) -> Markup {
    html! {
        div class="wide" role="region" tabindex="0" aria-label="How the load balancer sees the copies" {
            table {
                caption { "How the load balancer sees the copies" }
                thead { tr { th scope="col" { "Copy" } th scope="col" { "Group" } th scope="col" { "State" } } }
                tbody {
                    @for copy in &found.target_health {
                        tr {
                            th scope="row" { code { (copy.target) } }
                            td { (copy.group) }
                            td { (copy.state) @if let Some(reason) = &copy.reason { " (" (reason) ")" } }
                        }
                    }
                }
            }
        }
    }
}
