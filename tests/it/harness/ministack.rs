//! ministack: an emulator of AWS that is not ours, as a second ECS endpoint.
//!
//! Every deployment there is COMPLETED within the call, and there are no service deployments: it
//! shows that the adapter's plumbing fits another server than our own.

use std::net::{Ipv4Addr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use aws_sdk_ecs::Client;
use aws_sdk_ecs::types::ContainerDefinition;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::tools;

/// A running ministack; it ends with this value.
pub struct Ministack {
    process: Child,
    port: u16,
    folder: tempfile::TempDir,
}

impl Ministack {
    /// Starts one on a free loopback port and waits until it is ready.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// The same with more in its environment: `AUTH=true`, say.
    pub async fn start_with(environment: &[(&str, &str)]) -> Self {
        let program = tools::program("ministack", &[tools::folder().join("venv/bin/ministack")]);
        let folder = tempfile::tempdir().expect("a folder for ministack");
        let port = free_port();
        let process = Command::new(program)
            .current_dir(folder.path())
            .env("BIND_HOST", "127.0.0.1")
            .env("GATEWAY_PORT", port.to_string())
            .env("IOT_MTLS_ENABLED", "0")
            .env("SFTP_ENABLED", "0")
            .env("HOME", folder.path())
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("ministack starts");
        let mut ministack = Self {
            process,
            port,
            folder,
        };
        ministack.wait_until_ready().await;
        ministack
    }

    pub const fn port(&self) -> u16 {
        self.port
    }

    pub fn endpoint_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    async fn wait_until_ready(&mut self) {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
        while !self.is_ready().await {
            let ended = self.process.try_wait().expect("ministack can be asked");
            assert_eq!(ended, None, "ministack ended");
            assert!(
                tokio::time::Instant::now() < deadline,
                "ministack does not become ready"
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn is_ready(&self) -> bool {
        let asked = async {
            let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).await?;
            let request =
                "GET /_ministack/health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
            stream.write_all(request.as_bytes()).await?;
            let mut answer = Vec::new();
            stream.take(64 * 1024).read_to_end(&mut answer).await?;
            std::io::Result::Ok(answer)
        };
        match tokio::time::timeout(Duration::from_secs(2), asked).await {
            Ok(Ok(answer)) => answer.starts_with(b"HTTP/1.1 200"),
            Ok(Err(_)) | Err(_) => false,
        }
    }
}

impl Drop for Ministack {
    fn drop(&mut self) {
        self.process.kill().expect("ministack can be ended");
        self.process.wait().expect("ministack ends");
        assert!(
            self.folder.path().exists(),
            "its folder lives as long as it"
        );
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("its address").port()
}

/// A service `api` in a cluster `prod` that runs the first of two revisions, which are returned.
pub async fn two_revisions(ecs: &Client) -> [String; 2] {
    let cluster = ecs.create_cluster().cluster_name("prod");
    cluster.send().await.expect("it is answered");
    let first = register(ecs, "registry.test/api:1").await;
    let second = register(ecs, "registry.test/api:2").await;
    let service = ecs.create_service().cluster("prod").service_name("api");
    let service = service.task_definition(&first).desired_count(2);
    service.send().await.expect("it is answered");
    [first, second]
}

/// The full ARN of the task definition that the service runs.
pub async fn serving(ecs: &Client) -> String {
    let asked = ecs.describe_services().cluster("prod").services("api");
    let shown = asked.send().await.expect("it is answered");
    let definition = shown.services()[0].task_definition();
    definition.expect("it is answered").to_owned()
}

async fn register(ecs: &Client, image: &str) -> String {
    let container = ContainerDefinition::builder()
        .name("api")
        .image(image)
        .memory(64)
        .build();
    let registered = ecs
        .register_task_definition()
        .family("api")
        .container_definitions(container)
        .send()
        .await
        .expect("it is answered");
    let definition = registered.task_definition().expect("it is answered");
    definition
        .task_definition_arn()
        .expect("it is answered")
        .to_owned()
}

/// Deploys a revision.
pub async fn deploy(ecs: &Client, definition: &str) {
    let update = ecs.update_service().cluster("prod").service("api");
    update
        .task_definition(definition)
        .send()
        .await
        .expect("it is answered");
}
