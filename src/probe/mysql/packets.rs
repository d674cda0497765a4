//! MySQL's packets on a stream: a length of three bytes, a number in the sequence, and the body.
//!
//! A body is read only as far as a step of the talk may bring: an announcement beyond it is refused
//! before anything of it is here, and so is a stream of small packets without end.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

/// A stream of packets.
pub struct Packets<S> {
    stream: S,
    sequence: u8,
    left: usize,
}

/// Why no packet came.
#[derive(Debug)]
pub enum Broken {
    /// The stream ended or broke.
    Stream(io::Error),
    /// More came, or was announced, than allowed.
    TooMuch,
    /// It is out of its sequence.
    OutOfStep,
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Self {
        Self::Stream(error)
    }
}

/// How many bytes stand before a body.
const HEAD: usize = 4;

/// The longest body of one packet: a longer message goes on in the next.
const LONGEST: usize = 0xff_ff_ff;

impl<S> Packets<S> {
    /// Packets on a stream that begins.
    pub const fn new(stream: S) -> Self {
        Self {
            stream,
            sequence: 0,
            left: 0,
        }
    }

    /// Lets so many bytes in from here on.
    pub const fn allow(&mut self, bytes: usize) {
        self.left = bytes;
    }

    /// Begins a new exchange: the next packet is the first again.
    pub const fn begin(&mut self) {
        self.sequence = 0;
    }

    /// The stream inside, for who changes it in the middle of the sequence.
    pub fn into_parts(self) -> (S, u8) {
        (self.stream, self.sequence)
    }

    /// Packets on a stream in the middle of the sequence.
    pub const fn going_on(stream: S, sequence: u8) -> Self {
        Self {
            stream,
            sequence,
            left: 0,
        }
    }

    /// The stream inside.
    pub const fn stream(&mut self) -> &mut S {
        &mut self.stream
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Packets<S> {
    /// Reads the next body.
    pub async fn read(&mut self) -> Result<Vec<u8>, Broken> {
        let mut head = [0; HEAD];
        self.stream.read_exact(&mut head).await?;
        let [low, middle, high, sequence] = head;
        let length = u32::from_le_bytes([low, middle, high, 0]);
        let length = usize::try_from(length).map_err(|_| Broken::TooMuch)?;
        self.left = self
            .left
            .checked_sub(length + HEAD)
            .ok_or(Broken::TooMuch)?;
        if sequence != self.sequence {
            return Err(Broken::OutOfStep);
        }
        self.sequence = self.sequence.wrapping_add(1);
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).await?;
        Ok(body)
    }

    /// Writes a body. Ours are short: what is longer than a packet is refused.
    pub async fn write(&mut self, body: &[u8]) -> Result<(), Broken> {
        let length = u32::try_from(body.len()).unwrap_or(u32::MAX);
        if body.len() >= LONGEST {
            return Err(Broken::TooMuch);
        }
        let mut packet = Vec::with_capacity(HEAD + body.len());
        packet.extend_from_slice(&length.to_le_bytes()[..HEAD - 1]);
        packet.push(self.sequence);
        packet.extend_from_slice(body);
        self.sequence = self.sequence.wrapping_add(1);
        self.stream.write_all(&packet).await?;
        self.stream.flush().await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(bytes: &[u8], allowed: usize) -> Result<Vec<u8>, Broken> {
        let (near, mut far) = tokio::io::duplex(64);
        far.write_all(bytes).await.unwrap();
        drop(far);
        let mut packets = Packets::new(near);
        packets.allow(allowed);
        packets.read().await
    }

    #[tokio::test]
    async fn a_packet_is_read_up_to_what_is_allowed() {
        assert_eq!(read(b"\x03\0\0\0abc", 7).await.unwrap(), b"abc");
        assert!(matches!(
            read(b"\x03\0\0\0abc", 6).await,
            Err(Broken::TooMuch)
        ));
        assert!(matches!(
            read(b"\xff\xff\xff\0", 7).await,
            Err(Broken::TooMuch)
        ));
        assert!(matches!(
            read(b"\x03\0\0\x01abc", 7).await,
            Err(Broken::OutOfStep)
        ));
        assert!(matches!(
            read(b"\x03\0\0\0ab", 7).await,
            Err(Broken::Stream(_))
        ));
    }

    #[tokio::test]
    async fn what_is_written_goes_on_in_the_sequence() {
        let (near, mut far) = tokio::io::duplex(64);
        let mut packets = Packets::new(near);
        packets.write(b"a").await.unwrap();
        packets.write(b"bc").await.unwrap();
        packets.begin();
        packets.write(b"").await.unwrap();
        drop(packets);
        let mut written = Vec::new();
        far.read_to_end(&mut written).await.unwrap();
        assert_eq!(written, b"\x01\0\0\0a\x02\0\0\x01bc\0\0\0\0");
    }
}
