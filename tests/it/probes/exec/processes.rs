//! Programs that hang, that ignore what they are told, that leave others behind, and that write
//! without end: nothing of them outlives the run.

use std::path::Path;
use std::time::Duration;

use serde_json::json;
use smokejumper::sample::Reason;
use tokio::time::Instant;

use super::{AMPLE, in_folder, run, run_in, shell};
use crate::harness::probing::{fault, passed, reading, run_probe};

/// The numbers of processes that a program wrote into a file, one a line.
fn numbers(path: &Path) -> Vec<i32> {
    let text = std::fs::read_to_string(path).expect("the program wrote its numbers");
    text.lines()
        .map(|line| line.parse().expect("a number"))
        .collect()
}

/// Whether there is no process of this number any more, not even a dead one that nobody reaped.
async fn is_gone(process: i32) -> bool {
    let deadline = Instant::now() + AMPLE;
    while Path::new(&format!("/proc/{process}")).exists() {
        if Instant::now() > deadline {
            return false;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    true
}

#[tokio::test]
async fn a_program_that_hangs_is_killed_with_its_children_though_it_ignores_sigterm() {
    let folder = tempfile::tempdir().expect("a folder");
    let line = "trap '' TERM INT HUP; echo $$ >it; (trap '' TERM; sleep 1000) & echo $! >>it; \
                mv it numbers; wait";
    let probe = in_folder(folder.path(), json!({ "shell": line }));
    let sample = run_probe(Duration::from_secs(3), &*probe).await;
    let met = fault(&sample, Reason::Timeout);
    assert!(
        met.detail.contains("waiting for the answer"),
        "{}",
        met.detail
    );
    let numbers = numbers(&folder.path().join("numbers"));
    assert_eq!(numbers.len(), 2);
    for process in numbers {
        assert!(is_gone(process).await, "{process} outlived its run");
    }
}

#[tokio::test]
async fn a_run_that_is_given_up_leaves_nothing_behind() {
    let folder = tempfile::tempdir().expect("a folder");
    let written = folder.path().join("numbers");
    let probe = in_folder(
        folder.path(),
        json!({"shell": "echo $$ >it; mv it numbers; exec sleep 1000"}),
    );
    let running = tokio::spawn(async move { run_probe(AMPLE, &*probe).await });
    let deadline = Instant::now() + AMPLE;
    while !written.exists() {
        assert!(Instant::now() < deadline, "the program does not start");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    running.abort();
    assert!(running.await.expect_err("it was given up").is_cancelled());
    assert!(is_gone(numbers(&written)[0]).await);
}

#[tokio::test]
async fn what_a_program_leaves_behind_is_not_waited_for_and_killed() {
    let folder = tempfile::tempdir().expect("a folder");
    let sample = run_in(
        folder.path(),
        json!({"shell": "sleep 1000 & echo $! >numbers; echo done", "expect": {"stdout": "done"}}),
    )
    .await;
    passed(&sample);
    assert!(sample.notes.is_empty(), "{:?}", sample.notes);
    assert!(is_gone(numbers(&folder.path().join("numbers"))[0]).await);
}

/// A process with a session of its own that writes its number and keeps the output open.
const DAEMON: &str = "sh -c 'echo $$ >it; mv it numbers; exec sleep 1000' & \
                      while [ ! -e numbers ]; do :; done; echo done";

#[tokio::test]
async fn who_left_the_group_is_found_and_killed_all_the_same() {
    let folder = tempfile::tempdir().expect("a folder");
    let line = format!("setsid {DAEMON}");
    let check = json!({"shell": line, "expect": {"stdout": "done"}});
    let sample = run_in(folder.path(), check).await;
    passed(&sample);
    assert!(sample.notes.is_empty(), "{:?}", sample.notes);
    assert!(is_gone(numbers(&folder.path().join("numbers"))[0]).await);
}

#[tokio::test]
async fn who_left_the_group_of_a_program_that_hangs_is_killed_with_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let line = format!("setsid {DAEMON}; exec sleep 1000");
    let probe = in_folder(folder.path(), json!({ "shell": line }));
    let sample = run_probe(Duration::from_secs(3), &*probe).await;
    fault(&sample, Reason::Timeout);
    assert!(is_gone(numbers(&folder.path().join("numbers"))[0]).await);
}

#[tokio::test]
async fn who_dropped_its_environment_and_keeps_the_output_open_is_told_of_and_not_waited_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let line = format!("env -i PATH=\"$PATH\" setsid {DAEMON}");
    let check = json!({"shell": line, "expect": {"stdout": "done"}});
    let sample = run_in(folder.path(), check).await;
    passed(&sample);
    let note = &sample.notes[0];
    assert!(note.contains("left behind"), "{note}");
    let process = numbers(&folder.path().join("numbers"))[0];
    let ended = std::process::Command::new("kill")
        .arg(process.to_string())
        .status();
    assert!(
        ended.expect("kill is there").success(),
        "it was out of our reach"
    );
}

#[tokio::test]
async fn a_program_that_a_signal_ended_did_not_come_to_its_answer() {
    for (signal, name) in [
        ("SEGV", "SIGSEGV"),
        ("KILL", "SIGKILL"),
        ("TERM", "SIGTERM"),
    ] {
        let sample = shell(&format!("echo >&2 half a word; kill -{signal} $$")).await;
        let met = fault(&sample, Reason::Undecided);
        assert!(met.detail.contains(name), "{}", met.detail);
        assert!(met.detail.ends_with("half a word"), "{}", met.detail);
    }
}

#[tokio::test]
async fn a_gigabyte_of_output_is_neither_kept_nor_in_the_way() {
    let line = "head -c 1000000000 /dev/zero; echo; echo the end; exit $CODE";
    let well = json!({"shell": line, "env": {"CODE": "0"}});
    let sample = run(well).await;
    passed(&sample);
    assert_eq!(reading(&sample, "output_bytes"), 1_000_000_009.0);

    let line = "head -c 5000000 /dev/zero; echo; echo the end; exit $CODE";
    let ill = json!({"shell": line, "env": {"CODE": "1"}});
    let sample = run(ill).await;
    let met = fault(&sample, Reason::Status);
    assert!(met.detail.ends_with("it says: the end"), "{}", met.detail);

    for more in [
        json!({"expect": {"stdout": {"exists": true}}}),
        json!({"format": "nagios"}),
        json!({"format": "json_lines"}),
        json!({"format": "junit"}),
    ] {
        let mut settings = json!({"shell": line, "env": {"CODE": "0"}});
        let whole = settings.as_object_mut().expect("a mapping");
        whole.extend(more.as_object().expect("a mapping").clone());
        fault(&run(settings).await, Reason::TooLarge);
    }
}

#[tokio::test]
async fn an_output_without_end_ends_with_the_deadline() {
    let probe = in_folder(Path::new("/"), json!({"command": ["yes"]}));
    let sample = run_probe(Duration::from_secs(1), &*probe).await;
    fault(&sample, Reason::Timeout);
}

#[tokio::test]
async fn output_that_is_no_utf_8_is_read_all_the_same() {
    let line = r"printf 'caf\351 \377'";
    let expect = json!({"stdout": {"starts_with": "caf\u{fffd} "}});
    passed(&run(json!({"shell": line, "expect": expect})).await);
    let sample = shell(&format!("{line} >&2; exit 1")).await;
    let met = fault(&sample, Reason::Status);
    assert!(met.detail.contains("caf\u{fffd}"), "{}", met.detail);
}

#[tokio::test]
async fn a_program_that_asks_for_input_finds_none() {
    passed(&run(json!({"command": ["cat"], "expect": {"stdout": ""}})).await);
}
