//! The history in a PostgreSQL database: a server that hangs, dies, may only be read, changes its
//! password, is not there yet; schemas that cannot be used; several instances at once.

use std::sync::Arc;

use async_trait::async_trait;
use smokejumper::probe::{Surroundings, Tls, TlsSettings};
use smokejumper::sample::{Reading, Reason, Unit};
use smokejumper::secret::Secret;
use smokejumper::store::StoreError;
use smokejumper::store::behind::Behind;
use smokejumper::store::history::{Batch, History};
use smokejumper::store::postgres::history::PostgresHistory;
use smokejumper::store::postgres::{Encryption, Server};

use super::Ground;
use super::behind::{PATIENCE, all_is_there, hand_in, over, samples, until};
use super::past::{always, bad, check, happening, pass};
use crate::harness::postgres::{PASSWORD, Postgres, Tls as Offer, USER};

/// A schema in a database of a server of its own.
pub struct Database(Postgres);

impl Database {
    pub async fn start() -> Self {
        Self(Postgres::start().await)
    }

    pub fn port(&self) -> u16 {
        self.0.port()
    }

    fn server(&self) -> Server {
        server(self.port())
    }

    fn behind(&self) -> Behind {
        let server = self.server();
        let place = server.name();
        over(Arc::new(PostgresHistory::on(server)), place)
    }

    /// Ends the sessions of the history, as a server that is restarted does.
    fn end_sessions(&self) {
        self.0.run(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE application_name = 'smokejumper'",
        );
    }
}

/// The history at a server that another process has started.
pub fn at_port(port: u16) -> PostgresHistory {
    PostgresHistory::on(server(port))
}

fn server(port: u16) -> Server {
    Server {
        host: "localhost".to_owned(),
        port,
        user: USER.to_owned(),
        password: Some(Secret::new(PASSWORD)),
        database: "postgres".to_owned(),
        schema: "team_7".to_owned(),
        application_name: "smokejumper".to_owned(),
        encryption: Encryption::Never,
    }
}

#[async_trait]
impl Ground for Database {
    async fn open(&self) -> Arc<dyn History> {
        let history = PostgresHistory::on(self.server());
        history.open().await.unwrap();
        Arc::new(history)
    }
}

async fn refusal(server: Server) -> StoreError {
    PostgresHistory::on(server).open().await.unwrap_err()
}

/// Waits until it is told that the history cannot be written, and why.
async fn until_told(behind: &Behind, why: &str) {
    until(behind, |state| {
        let trouble = state.trouble.as_deref().unwrap_or_default();
        assert!(!trouble.contains(PASSWORD), "{trouble}");
        trouble.contains(why)
    })
    .await;
}

/// Hands in while something is wrong that is then put right: all is there at the end.
async fn caught_up(database: &Database, behind: &Behind) {
    behind.finish(PATIENCE).await;
    let state = behind.state();
    assert_eq!((state.trouble, state.waiting, state.lost), (None, 0, 0));
    all_is_there(database, 300, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_hangs_is_told_and_caught_up() {
    let database = Database::start().await;
    let behind = database.behind();
    hand_in(&behind, 0, 10).await;
    until(&behind, |state| state.waiting == 0).await;
    database.0.halt();
    hand_in(&behind, 10, 300).await;
    until_told(&behind, "it has not answered for").await;
    database.0.go_on();
    caught_up(&database, &behind).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_dies_is_told_and_caught_up_when_it_is_started_again() {
    let mut database = Database::start().await;
    let behind = database.behind();
    hand_in(&behind, 0, 10).await;
    until(&behind, |state| state.waiting == 0).await;
    database.0.stop();
    hand_in(&behind, 10, 300).await;
    until_told(&behind, "error connecting to server").await;
    // What waits is found all the same.
    let found = behind.samples(&check("a"), always(), usize::MAX).await;
    assert_eq!(found.unwrap(), samples(10, 300));
    database.0.restart().await;
    caught_up(&database, &behind).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_there_at_the_start_is_waited_for() {
    let mut database = Database::start().await;
    database.0.stop();
    let behind = database.behind();
    hand_in(&behind, 0, 10).await;
    hand_in(&behind, 10, 300).await;
    until_told(&behind, "error connecting to server").await;
    database.0.restart().await;
    caught_up(&database, &behind).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_may_only_be_read_is_told_and_caught_up() {
    let database = Database::start().await;
    let behind = database.behind();
    hand_in(&behind, 0, 10).await;
    until(&behind, |state| state.waiting == 0).await;
    let only_read = "ALTER DATABASE postgres SET default_transaction_read_only =";
    database.0.run(&format!("{only_read} on"));
    database.end_sessions();
    hand_in(&behind, 10, 300).await;
    until_told(&behind, "it may only be read").await;
    let found = behind.samples(&check("a"), always(), usize::MAX).await;
    assert_eq!(found.unwrap(), samples(0, 300), "what is kept can be read");
    database
        .0
        .run(&format!("BEGIN READ WRITE; {only_read} off; COMMIT"));
    caught_up(&database, &behind).await;
}

/// The error of a full disk, raised by the server itself: what is told of it and what becomes of what
/// comes meanwhile is ours, how a disk fills is not.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_whose_disk_is_full_is_told_and_caught_up() {
    let database = Database::start().await;
    let behind = database.behind();
    hand_in(&behind, 0, 10).await;
    until(&behind, |state| state.waiting == 0).await;
    database.0.run(
        "CREATE FUNCTION public.full_disk() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END $$;
         CREATE TRIGGER full_disk BEFORE INSERT ON team_7.batches
            EXECUTE FUNCTION public.full_disk()",
    );
    hand_in(&behind, 10, 300).await;
    until_told(&behind, "its disk is full, nothing was written").await;
    database.0.run("DROP FUNCTION public.full_disk CASCADE");
    caught_up(&database, &behind).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_is_changed_is_told_without_it_and_caught_up() {
    let database = Database::start().await;
    database.0.run(&format!(
        "CREATE ROLE writer LOGIN PASSWORD '{PASSWORD}'; CREATE SCHEMA team_7 AUTHORIZATION writer"
    ));
    let server = Server {
        user: "writer".to_owned(),
        ..database.server()
    };
    let behind = over(Arc::new(PostgresHistory::on(server.clone())), server.name());
    hand_in(&behind, 0, 10).await;
    until(&behind, |state| state.waiting == 0).await;
    database.0.run("ALTER ROLE writer PASSWORD 'another'");
    database.end_sessions();
    hand_in(&behind, 10, 300).await;
    until_told(&behind, "it refuses the login").await;
    database
        .0
        .run(&format!("ALTER ROLE writer PASSWORD '{PASSWORD}'"));
    caught_up(&database, &behind).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_somebody_keeps_locked_is_told_and_caught_up() {
    let database = Database::start().await;
    let behind = database.behind();
    hand_in(&behind, 0, 10).await;
    until(&behind, |state| state.waiting == 0).await;
    let held = database
        .0
        .hold("LOCK TABLE team_7.counts; SELECT pg_sleep(600)");
    database
        .0
        .until(
            "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock'
             AND relation = 'team_7.counts'::regclass AND granted",
            "1",
        )
        .await;
    hand_in(&behind, 10, 300).await;
    until_told(&behind, "it has not answered for").await;
    drop(held);
    database.0.run(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'held'",
    );
    caught_up(&database, &behind).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_that_is_dropped_is_made_anew_and_its_names_are_given_anew() {
    let database = Database::start().await;
    let behind = database.behind();
    let old = Batch {
        samples: vec![pass("z", 1.0, PATIENCE), pass("y", 1.0, PATIENCE)],
        ..Batch::default()
    };
    behind.keep(&old).await.unwrap();
    until(&behind, |state| state.waiting == 0).await;
    database.0.run("DROP SCHEMA team_7 CASCADE");
    // Another instance is the first to find out.
    let other = database.open().await;
    let first = Batch {
        samples: vec![pass("b", 1.0, PATIENCE)],
        ..Batch::default()
    };
    other.keep(&first).await.unwrap();
    hand_in(&behind, 0, 150).await;
    until(&behind, |state| state.waiting == 0).await;
    hand_in(&behind, 150, 300).await;
    caught_up(&database, &behind).await;
    let found = other.samples(&check("b"), always(), 9).await.unwrap();
    assert_eq!(found, first.samples);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_that_start_at_once_make_one_schema() {
    let database = Arc::new(Database::start().await);
    let mut starting = tokio::task::JoinSet::new();
    for number in 0..8_u32 {
        let database = Arc::clone(&database);
        starting.spawn(async move {
            let history = database.open().await;
            let batch = Batch {
                samples: vec![pass("a", f64::from(number), PATIENCE)],
                ..Batch::default()
            };
            history.keep(&batch).await.unwrap();
        });
    }
    starting.join_all().await;
    let found = database.open().await;
    let found = found.samples(&check("a"), always(), 99).await.unwrap();
    assert_eq!(found.len(), 8);
    let made = database
        .0
        .run("SELECT count(*), min(version) FROM team_7.smokejumper_history");
    assert_eq!(made, "1|1");
}

#[tokio::test]
async fn a_later_format_and_another_programs_schema_are_refused_untouched() {
    let database = Database::start().await;
    let named = |schema: &str| Server {
        schema: schema.to_owned(),
        ..database.server()
    };
    let place = |schema: &str| {
        let port = database.0.port();
        format!("the history postgres://localhost:{port}/postgres, schema {schema}: ")
    };
    drop(database.open().await);
    database
        .0
        .run("UPDATE team_7.smokejumper_history SET version = 9");
    let says = place("team_7")
        + "it was written by a later version of smokejumper (format 9, and this one knows 1); use that version, or another schema";
    assert_eq!(refusal(named("team_7")).await, StoreError::Strange(says));
    database
        .0
        .run("CREATE SCHEMA shop; CREATE TABLE shop.orders (number integer)");
    let says = place("shop") + "the schema holds tables of another program; name another schema";
    assert_eq!(refusal(named("shop")).await, StoreError::Strange(says));
    let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'shop'";
    assert_eq!(database.0.run(tables), "1");
    database
        .0
        .run("CREATE DATABASE old ENCODING 'LATIN1' TEMPLATE template0");
    let old = Server {
        database: "old".to_owned(),
        ..database.server()
    };
    let StoreError::Strange(says) = refusal(old).await else {
        panic!("it is not said to be strange");
    };
    assert!(says.contains("keeps text as LATIN1"), "{says}");
}

#[tokio::test]
async fn a_running_instance_stops_writing_when_a_later_one_has_changed_the_format() {
    let database = Database::start().await;
    let history = database.open().await;
    history.keep(&Batch::default()).await.unwrap();
    database
        .0
        .run("UPDATE team_7.smokejumper_history SET version = 9");
    let kept = history.keep(&Batch::default()).await;
    assert!(matches!(kept, Err(StoreError::Strange(_))), "{kept:?}");
}

#[tokio::test]
async fn who_may_not_make_a_schema_is_told_what_to_do() {
    let database = Database::start().await;
    database
        .0
        .run(&format!("CREATE ROLE guest LOGIN PASSWORD '{PASSWORD}'"));
    let guest = Server {
        user: "guest".to_owned(),
        ..database.server()
    };
    let StoreError::Unusable(says) = refusal(guest).await else {
        panic!("it does not get better by itself, but it may by others");
    };
    assert!(says.contains("permission denied for database"), "{says}");
    assert!(says.contains("let its owner make the schema"), "{says}");
}

#[tokio::test]
async fn what_peers_say_is_kept_whatever_it_is() {
    let database = Database::start().await;
    let history = database.open().await;
    let mut odd = bad("a", 1.0, Reason::Status);
    odd.window = Some(Arc::from("01W"));
    // Longer than an index takes, and with a character that the server does not know.
    let name = format!("{}\0", "n\u{1F680}".repeat(5_000));
    odd.sample.readings = vec![Reading::new(&name, 1.0, Unit::Number)];
    odd.sample.fault.as_mut().unwrap().detail = "it said \0".to_owned();
    let mut said = happening("01A", "decided");
    said.text = "a \0 b".to_owned();
    said.facts = serde_json::json!({ "said": "\0" });
    let batch = Batch {
        samples: vec![odd.clone(), odd.clone()],
        happenings: vec![said.clone()],
        ..Batch::default()
    };
    history.keep(&batch).await.unwrap();
    history.keep(&batch).await.unwrap();
    let again = database.open().await;
    let found = again.samples(&check("a"), always(), 9).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].sample.fault, odd.sample.fault);
    let kept = name.replace('\0', "\u{fffd}");
    assert_eq!(&*found[0].sample.readings[0].name, kept);
    let page = smokejumper::store::history::Page {
        limit: 9,
        ..Default::default()
    };
    let found = again.happenings(&page).await.unwrap();
    assert_eq!(found[0].text, "a \u{fffd} b");
    assert_eq!(found[0].facts, said.facts);
}

#[tokio::test]
async fn tls_is_insisted_on_or_taken_where_it_is_offered() {
    let settings = |ca: Option<std::path::PathBuf>| TlsSettings {
        ca,
        ..TlsSettings::default()
    };
    let opened = |settings: &TlsSettings| Tls::new(settings, &Surroundings::default()).unwrap();
    let required = Database(Postgres::start_with(Offer::Required, &[]).await);
    let trusted = opened(&settings(Some(required.0.ca())));
    let trusting = opened(&TlsSettings::unverified());
    let stranger = opened(&TlsSettings {
        verify: Some(true),
        ..TlsSettings::default()
    });
    let with = |database: &Database, encryption| Server {
        encryption,
        ..database.server()
    };
    for encryption in [
        Encryption::Always(trusted),
        Encryption::Always(trusting.clone()),
        Encryption::WhereOffered(trusting.clone()),
    ] {
        let history = PostgresHistory::on(with(&required, encryption));
        history.keep(&Batch::default()).await.unwrap();
        let bound = "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
            WHERE application_name = 'smokejumper'";
        assert_eq!(required.0.run(bound), "t");
    }
    let refused = refusal(with(&required, Encryption::Always(stranger))).await;
    assert!(refused.to_string().contains("certificate"), "{refused}");
    let refused = refusal(with(&required, Encryption::Never)).await;
    assert!(refused.to_string().contains("no encryption"), "{refused}");
    let without = Database::start().await;
    let refused = refusal(with(&without, Encryption::Always(trusting.clone()))).await;
    assert!(refused.to_string().contains("TLS"), "{refused}");
    let taken = PostgresHistory::on(with(&without, Encryption::WhereOffered(trusting)));
    taken.open().await.unwrap();
}
