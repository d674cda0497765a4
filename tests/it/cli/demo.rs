//! `demo`: every scenario, as a new user would run it.

use super::program::Program;

async fn demo(scenario: &str) -> super::program::Ran {
    let program = Program::with("");
    let ran = program.run(&["demo", "--scenario", scenario]).await;
    ran.expect(0);
    assert!(
        ran.stdout.contains("handled as it should be"),
        "{}",
        ran.all()
    );
    let wide = ran.stdout.lines().chain(ran.stderr.lines()).find(|line| {
        // Names and addresses are not broken; everything else fits a terminal.
        line.chars().count() > 80 && !line.contains("http://") && !line.starts_with("    ")
    });
    assert_eq!(wide, None, "{}", ran.all());
    assert!(
        !ran.stdout.contains('\u{1b}'),
        "no colour where no terminal is: {}",
        ran.all()
    );
    ran
}

/// The text without its line breaks, which fall where the terminal ends.
fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_rate_is_caught_undone_and_proven() {
    let ran = demo("errors").await;
    assert!(
        words(&ran.stdout).contains("Rolled back shop:3 -> shop:1"),
        "{}",
        ran.all()
    );
    assert!(
        ran.stdout.contains("The shop now runs shop:1"),
        "{}",
        ran.all()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_is_caught_undone_and_proven() {
    let ran = demo("outage").await;
    assert!(
        ran.stdout.contains("The shop now runs shop:1"),
        "{}",
        ran.all()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_release_is_caught_undone_and_proven() {
    let ran = demo("slow").await;
    assert!(words(&ran.stdout).contains("orders: p95"), "{}", ran.all());
    assert!(
        ran.stdout.contains("The shop now runs shop:1"),
        "{}",
        ran.all()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_healthy_release_is_accepted() {
    let ran = demo("healthy").await;
    assert!(
        ran.stdout.contains("The shop now runs shop:3"),
        "{}",
        ran.all()
    );
    assert!(
        words(&ran.stdout).contains("changed anything on ECS: none"),
        "{}",
        ran.all()
    );
}

/// Everything in a user's environment that could lead the demo away from this machine.
fn hostile(trap: &str) -> Program {
    let program = Program::with("");
    let folder = program.folder.path().display().to_string();
    std::fs::create_dir(program.folder.path().join(".aws")).expect("a folder");
    std::fs::write(
        program.folder.path().join(".aws/config"),
        format!(
            "[default]\nregion = us-east-1\nendpoint_url = {trap}\nuse_fips_endpoint = true\n\
             use_dualstack_endpoint = true\n[profile broken\n"
        ),
    )
    .expect("written");
    [
        "AWS_ENDPOINT_URL",
        "AWS_ENDPOINT_URL_ECS",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "http_proxy",
        "https_proxy",
        "all_proxy",
        "SHOP_URL",
    ]
    .into_iter()
    .fold(program, |program, name| program.env(name, trap))
    .env("HOME", &folder)
    .env("AWS_PROFILE", "none")
    .env("AWS_REGION", "nowhere-1")
    .env("AWS_USE_FIPS_ENDPOINT", "true")
    .env("AWS_USE_DUALSTACK_ENDPOINT", "true")
    .env("AWS_MAX_ATTEMPTS", "many")
    .env("SSL_CERT_FILE", "/nonexistent")
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_in_the_environment_leads_it_away_from_this_machine() {
    let trap = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    trap.set_nonblocking(true).expect("it can be asked");
    let address = format!("http://{}", trap.local_addr().expect("it has one"));
    // Twice at once, in a home with a broken configuration and in none.
    let (hostile, homeless) = (
        hostile(&address),
        hostile(&address).env("HOME", "/nonexistent"),
    );
    let arguments = ["demo", "--scenario", "outage"];
    let (first, second) = tokio::join!(hostile.run(&arguments), homeless.run(&arguments));
    for ran in [first, second] {
        ran.expect(0);
        assert!(
            ran.stdout.contains("The shop now runs shop:1"),
            "{}",
            ran.all()
        );
    }
    let caught = trap.accept().map(|(_, from)| from);
    assert_eq!(
        caught.unwrap_err().kind(),
        std::io::ErrorKind::WouldBlock,
        "nobody came to the trap"
    );
}

#[tokio::test]
async fn nothing_is_left_behind() {
    let program = Program::with("");
    let temporary = program.folder.path().join("temporary");
    std::fs::create_dir(&temporary).expect("a folder");
    let program = program.env("TMPDIR", &temporary.display().to_string());
    program
        .run(&["demo", "--scenario", "outage"])
        .await
        .expect(0);
    let left: Vec<_> = std::fs::read_dir(&temporary)
        .expect("it is there")
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test]
async fn without_a_folder_for_temporary_files_it_says_what_to_set() {
    let program = Program::with("").env("TMPDIR", "/nonexistent");
    let ran = program.run(&["demo"]).await;
    ran.expect(2);
    assert!(words(&ran.stderr).contains("set TMPDIR"), "{}", ran.all());
    assert_eq!(ran.stdout, "", "{}", ran.all());
}
