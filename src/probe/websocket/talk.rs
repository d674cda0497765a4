//! An open WebSocket: messages in and out, pings, and the end. Pings of the target are returned by
//! the library whenever it reads. Dropping it closes the connection.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{Bytes, Message};

use super::fault;
use crate::probe::wire::channel::Channel;
use crate::quantity::human;
use crate::sample::{Fault, Reason};

/// An open connection to a host.
pub struct Talk<'a> {
    stream: WebSocketStream<Channel>,
    host: &'a str,
    messages: u32,
}

impl<'a> Talk<'a> {
    /// Begins a talk.
    pub const fn new(stream: WebSocketStream<Channel>, host: &'a str) -> Self {
        Self {
            stream,
            host,
            messages: 0,
        }
    }

    /// How many messages came so far.
    pub const fn messages(&self) -> u32 {
        self.messages
    }

    /// Sends a message.
    ///
    /// # Errors
    /// What the connection met.
    pub async fn send(&mut self, message: Message, number: usize) -> Result<(), Fault> {
        let sent = self.stream.send(message).await;
        sent.map_err(|error| fault::of(&error, self.host, &format!("sending step {number}")))
    }

    /// The next message, text or binary.
    ///
    /// # Errors
    /// [`Reason::Closed`] when the target ends the talk, and what the connection met.
    pub async fn next(&mut self, doing: &str) -> Result<Message, Fault> {
        loop {
            let message = self.any(doing).await?;
            if message.is_text() || message.is_binary() {
                return Ok(message);
            }
        }
    }

    /// Sends a ping and waits for the pong that carries the same (RFC 6455, section 5.5.3).
    ///
    /// # Errors
    /// As [`Talk::next`].
    pub async fn ping(&mut self, payload: &'static [u8]) -> Result<(), Fault> {
        let doing = PINGING;
        let payload = Bytes::from_static(payload);
        let sent = self.stream.send(Message::Ping(payload.clone())).await;
        sent.map_err(|error| fault::of(&error, self.host, doing))?;
        loop {
            if self.any(doing).await? == Message::Pong(payload.clone()) {
                return Ok(());
            }
        }
    }

    /// Listens until the connection ends, which must not happen within `span`.
    ///
    /// # Errors
    /// How it ended.
    pub async fn listen(&mut self, span: Duration) -> Result<(), Fault> {
        let doing = format!("it had to stay open for {}", human(span));
        loop {
            self.any(&doing).await?;
        }
    }

    /// Says that we leave, and does not wait for what the target says to that.
    pub async fn leave(&mut self) {
        if let Err(error) = self.stream.close(None).await {
            // It was as expected until then, and it is left in any case.
            tracing::trace!("{} could not be told that we leave: {error}", self.host);
        }
    }

    async fn any(&mut self, doing: &str) -> Result<Message, Fault> {
        match self.stream.next().await {
            Some(Ok(Message::Close(frame))) => Err(fault::closed(frame.as_ref(), self.host, doing)),
            Some(Ok(message)) => {
                if message.is_text() || message.is_binary() {
                    self.messages = self.messages.saturating_add(1);
                }
                Ok(message)
            }
            Some(Err(error)) => Err(fault::of(&error, self.host, doing)),
            None => {
                let detail = format!("connection closed while {doing}");
                Err(Fault::new(Reason::Closed, detail))
            }
        }
    }
}

/// What is going on after a ping, as messages say it.
pub const PINGING: &str = "waiting for the answer to a ping";
