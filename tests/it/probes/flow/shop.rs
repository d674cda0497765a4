//! A shop of our own that keeps users, sessions and orders, and in which a step can be made to fail.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::harness::http_peer::{Asked, Does, Peer, answer};

/// What the shop keeps.
#[derive(Default)]
pub struct Books {
    pub users: BTreeMap<u64, Value>,
    pub orders: BTreeMap<u64, Value>,
    /// The tokens that are good.
    pub tokens: Vec<String>,
    pub logins: u64,
    /// Requests whose path contains the first are answered with the second.
    pub broken: Option<(&'static str, Vec<u8>)>,
    last: u64,
}

/// A running shop.
pub struct Shop {
    pub peer: Peer,
    pub books: Arc<Mutex<Books>>,
}

impl Shop {
    pub async fn open() -> Self {
        let books = Arc::new(Mutex::new(Books::default()));
        let kept = Arc::clone(&books);
        let serve = move |asked: &Asked| kept.lock().expect("no panic held it").serve(asked);
        let peer = Peer::start(Does::Answers(Arc::new(serve))).await;
        Self { peer, books }
    }

    /// Answers requests of such a path with this.
    pub fn breaks(&self, path: &'static str, answer: Vec<u8>) {
        self.books().broken = Some((path, answer));
    }

    pub fn books(&self) -> std::sync::MutexGuard<'_, Books> {
        self.books.lock().expect("no panic held it")
    }

    /// The first lines of what was asked, without the version.
    pub fn asked(&self) -> Vec<String> {
        let asked = self.peer.asked();
        let lines = asked.iter().map(|asked| {
            let line = asked.head.lines().next().unwrap_or_default();
            line.trim_end_matches(" HTTP/1.1").to_owned()
        });
        lines.collect()
    }
}

impl Books {
    fn serve(&mut self, asked: &Asked) -> Vec<u8> {
        let method = asked.head.split(' ').next().unwrap_or_default();
        let path = asked.path().split('?').next().unwrap_or_default();
        if let Some((broken, answer)) = &self.broken
            && path.contains(broken)
        {
            return answer.clone();
        }
        let parts: Vec<&str> = path.trim_start_matches("/api/v1/").split('/').collect();
        let sent: Value = serde_json::from_slice(&asked.body).unwrap_or(Value::Null);
        match (method, parts.as_slice()) {
            ("POST", ["users"]) => self.register(sent),
            ("POST", ["auth", "login"]) => self.log_in(&sent),
            _ if !self.knows(asked) => said("401 Unauthorized", json!({ "error": "token" })),
            ("POST", ["auth", "logout"]) => {
                self.tokens.clear();
                answer("204 No Content", &[], b"")
            }
            ("GET", ["settings"]) => said("200 OK", json!({ "theme": "dark" })),
            ("GET", ["orders"]) => said("200 OK", json!({ "items": [] })),
            ("GET", ["products"]) => {
                let items = json!([{ "id": 7, "price": 9.5 }, { "id": 8, "price": 12 }]);
                said("200 OK", json!({ "items": items }))
            }
            ("POST", ["orders"]) => self.order(&sent),
            ("POST", ["orders", id, "payment"]) => self.pay(id),
            ("DELETE", ["orders", id]) => gone(self.orders.remove(&number(id))),
            ("DELETE", ["users", id]) => gone(self.users.remove(&number(id))),
            _ => said("404 Not Found", json!({})),
        }
    }

    fn next(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    fn register(&mut self, user: Value) -> Vec<u8> {
        let id = self.next();
        self.users.insert(id, user);
        said("201 Created", json!({ "id": id }))
    }

    fn log_in(&mut self, sent: &Value) -> Vec<u8> {
        self.logins += 1;
        let same =
            |user: &Value| user["email"] == sent["email"] && user["password"] == sent["password"];
        let is_smoke = sent["username"] == "smoke" || sent["email"] == "smoke@example.com";
        if !is_smoke && !self.users.values().any(same) {
            return said("401 Unauthorized", json!({ "error": "who is that?" }));
        }
        let token = format!("canary-token-{}", self.next());
        self.tokens.push(token.clone());
        said("200 OK", json!({ "token": token }))
    }

    fn knows(&self, asked: &Asked) -> bool {
        let bearer = asked.header("authorization").unwrap_or_default();
        let token = bearer.trim_start_matches("Bearer ");
        let cookie = asked.header("cookie").unwrap_or_default();
        let cookie = cookie.trim_start_matches("sid=");
        self.tokens
            .iter()
            .any(|known| known == token || known == cookie)
    }

    fn order(&mut self, sent: &Value) -> Vec<u8> {
        if sent["product"] != 7 {
            return said(
                "422 Unprocessable Content",
                json!({ "error": "no such product" }),
            );
        }
        let id = self.next();
        self.orders.insert(id, sent.clone());
        let location = format!("location: /api/v1/orders/{id}");
        let body = json!({ "product": 7 }).to_string();
        answer("201 Created", &[&location], body.as_bytes())
    }

    fn pay(&mut self, id: &str) -> Vec<u8> {
        match self.orders.get_mut(&number(id)) {
            Some(order) => {
                order["paid"] = json!(true);
                said("200 OK", json!({ "status": "paid", "mode": "test" }))
            }
            None => said("404 Not Found", json!({})),
        }
    }
}

fn number(text: &str) -> u64 {
    text.parse().unwrap_or_default()
}

fn gone(removed: Option<Value>) -> Vec<u8> {
    let status = if removed.is_some() {
        "204 No Content"
    } else {
        "404 Not Found"
    };
    answer(status, &[], b"")
}

/// An answer with a JSON body.
pub fn said(status: &str, body: Value) -> Vec<u8> {
    answer(
        status,
        &["content-type: application/json"],
        body.to_string().as_bytes(),
    )
}
