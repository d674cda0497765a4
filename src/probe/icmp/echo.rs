//! One echo request, and whether a packet is the answer to it (RFC 792, RFC 4443 section 4). A value:
//! it sends nothing.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hasher as _};
use std::net::IpAddr;

/// An echo request. Its answer is known by a number that nobody can guess, which the packet carries:
/// the identifier of the header is the kernel's where the socket is one for echoes alone.
pub struct Echo {
    /// The packet.
    pub packet: Vec<u8>,
    answer: u8,
}

impl Echo {
    /// An echo request to an address, the so-manieth, that carries so many bytes.
    pub fn new(to: IpAddr, sequence: u16, size: usize) -> Self {
        let (request, answer) = match to {
            IpAddr::V4(_) => (8, 0),
            IpAddr::V6(_) => (128, 129),
        };
        let mut packet = vec![request, 0, 0, 0];
        packet.extend(IDENTIFIER.to_be_bytes());
        packet.extend(sequence.to_be_bytes());
        for _ in 0..2 {
            // The seed of a hash table is the system's randomness.
            packet.extend(RandomState::new().build_hasher().finish().to_be_bytes());
        }
        packet.resize(HEADER + size.max(NUMBER), FILLING);
        // Of IPv6 the kernel makes the sum: it knows the addresses that belong to it.
        if to.is_ipv4() {
            let sum = checksum(&packet);
            packet[2..4].copy_from_slice(&sum.to_be_bytes());
        }
        Self { packet, answer }
    }

    /// Whether what was received is the answer. Raw packets of IPv4 come with the header of IP.
    pub fn is_answered_by(&self, received: &[u8], has_ip_header: bool) -> bool {
        let skipped = match received.first() {
            // The length stands in the lower half of the first byte, in words (RFC 791).
            Some(first) if has_ip_header => usize::from(first & 0x0f) * 4,
            _ => 0,
        };
        let Some(received) = received.get(skipped..) else {
            return false;
        };
        // Code and sequence, and all that it carries; not the sum nor the identifier.
        received.len() == self.packet.len()
            && received[0] == self.answer
            && received[1] == 0
            && received[6..] == self.packet[6..]
    }
}

/// The sum that guards a packet (RFC 1071).
fn checksum(packet: &[u8]) -> u16 {
    let mut sum = 0_u32;
    for pair in packet.chunks(2) {
        let low = pair.get(1).copied().unwrap_or(0);
        sum += u32::from(u16::from_be_bytes([pair[0], low]));
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    let bytes = sum.to_be_bytes();
    !u16::from_be_bytes([bytes[2], bytes[3]])
}

/// How many bytes the header of ICMP has, and the number that a packet carries.
const HEADER: usize = 8;
const NUMBER: usize = 16;
/// What else it carries.
const FILLING: u8 = b's';
/// An identifier is of no use where the number tells packets apart.
const IDENTIFIER: u16 = 0x534a;

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(echo: &Echo, answer: u8) -> Vec<u8> {
        let mut packet = echo.packet.clone();
        packet[0] = answer;
        // The kernel's own identifier, and another sum.
        packet[2..6].copy_from_slice(&[9, 9, 9, 9]);
        packet
    }

    #[test]
    fn an_answer_is_known_by_what_it_carries() {
        for (to, answer) in [("192.0.2.1", 0), ("2001:db8::1", 129)] {
            let to = to.parse().unwrap();
            let echo = Echo::new(to, 7, 56);
            assert_eq!(echo.packet.len(), 64);
            let packet = answered(&echo, answer);
            assert!(echo.is_answered_by(&packet, false));
            let with_header = [&[0x46; 24][..], &packet].concat();
            assert!(echo.is_answered_by(&with_header, true));
            assert!(!echo.is_answered_by(&echo.packet, false), "our own request");
            for other in [Echo::new(to, 7, 56), Echo::new(to, 8, 56)] {
                assert!(!other.is_answered_by(&packet, false));
            }
            for length in 0..packet.len() {
                for header in [false, true] {
                    assert!(!echo.is_answered_by(&packet[..length], header));
                }
            }
        }
    }

    #[test]
    fn the_sum_of_a_whole_packet_is_nothing() {
        for size in [16, 17, 56] {
            let echo = Echo::new("192.0.2.1".parse().unwrap(), 1, size);
            assert_eq!(checksum(&echo.packet), 0, "{size}");
        }
    }
}
