//! Where reports go: files, places that are no files, and places that cannot be written to.

use super::page::page;
use super::program::Program;

async fn program() -> (crate::harness::http_peer::Peer, Program) {
    let page = page("200 OK", "ok").await;
    let configuration = format!(
        "checks: {{ page: {{ http: {{ url: \"{}\", expect: {{ status: 200 }} }} }} }}\n",
        page.url("/")
    );
    (page, Program::with(&configuration))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_that_cannot_be_written_to_is_told_before_anything_runs() {
    let (page, program) = program().await;
    for place in ["nowhere/report.json", "."] {
        let ran = program
            .run(&["gate", "--report", &format!("json={place}")])
            .await;
        ran.expect(2);
        assert!(ran.stderr.contains(place), "{}", ran.all());
        assert_eq!(ran.stdout, "");
    }
    assert_eq!(page.accepted(), 0, "nothing was probed");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_file_is_written_to_and_not_replaced() {
    let (_page, program) = program().await;
    // As a report goes to /dev/stdout or /dev/null: a link to something that is no file.
    let link = program.folder.path().join("out");
    std::os::unix::fs::symlink("/dev/stdout", &link).expect("linked");
    let ran = program.run(&["gate", "-q", "--report", "json=out"]).await;
    ran.expect(0);
    assert!(ran.stdout.contains("smokejumper.report/1"), "{}", ran.all());
    assert!(link.symlink_metadata().expect("there").is_symlink());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_to_a_report_stays_a_link() {
    let (_page, program) = program().await;
    std::fs::write(program.folder.path().join("kept.json"), "old").expect("written");
    let link = program.folder.path().join("latest.json");
    std::os::unix::fs::symlink("kept.json", &link).expect("linked");
    let ran = program.run(&["gate", "--report", "json=latest.json"]).await;
    ran.expect(0);
    assert!(link.symlink_metadata().expect("there").is_symlink());
    assert!(program.read("kept.json").contains("smokejumper.report/1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_told_and_is_no_pass() {
    let (_page, program) = program().await;
    let ran = program.run(&["gate", "--report", "json=/dev/full"]).await;
    ran.expect(70);
    assert!(
        ran.stderr
            .contains("the report could not be written: /dev/full"),
        "{}",
        ran.all()
    );
}
