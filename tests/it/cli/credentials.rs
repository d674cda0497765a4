//! `watch` without credentials that could be used: nothing is asked, and the cause is named.

use super::program::Program;

const CONFIGURATION: &str = "
services:
  api: { deployment: { ecs: { cluster: prod, service: api, region: eu-west-1 } }, policy: quick }
checks:
  health: { http: { url: \"http://127.0.0.1:9/\", expect: { status: 200 } }, every: 1s, timeout: 500ms }
policies:
  quick: { bake: 30s, warm_up: 1s, min_samples: 10 }
";

#[tokio::test]
async fn a_broken_profile_file_is_told_as_that() {
    let program = Program::with(CONFIGURATION).env("AWS_EC2_METADATA_DISABLED", "true");
    let folder = program.folder.path().join(".aws");
    std::fs::create_dir(&folder).expect("a folder");
    std::fs::write(folder.join("config"), "[profile broken\n").expect("written");
    let ran = program.run(&["watch"]).await;
    ran.expect(2);
    let words = ran.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in [
        "no AWS credentials for service api",
        "could not parse profile file",
    ] {
        assert!(words.contains(part), "{}", ran.all());
    }
}
