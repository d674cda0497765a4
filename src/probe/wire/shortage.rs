//! Which resource our own machine has run out of, and what to do about it. Called by [`super::dial`].

use std::io;

/// What is lacking, as it completes "our own machine is out of …".
#[must_use]
pub fn words(error: &io::Error) -> String {
    let known = |code| SHORTAGES.iter().find(|(codes, _)| codes.contains(&code));
    match error.raw_os_error().and_then(known) {
        Some((_, what)) => (*what).to_owned(),
        None => format!("resources ({error})"),
    }
}

/// By the numbers of Linux and, where they differ, of macOS: EMFILE, ENFILE, ENOMEM and ENOBUFS,
/// EADDRNOTAVAIL and EADDRINUSE.
#[cfg(target_os = "linux")]
const SHORTAGES: [(&[i32], &str); 4] = [
    (&[24], OWN_DESCRIPTORS),
    (&[23], ALL_DESCRIPTORS),
    (&[12, 105], MEMORY),
    (&[98, 99], PORTS),
];
#[cfg(not(target_os = "linux"))]
const SHORTAGES: [(&[i32], &str); 4] = [
    (&[24], OWN_DESCRIPTORS),
    (&[23], ALL_DESCRIPTORS),
    (&[12, 55], MEMORY),
    (&[48, 49], PORTS),
];

const OWN_DESCRIPTORS: &str = "file descriptors (raise `ulimit -n`)";
const ALL_DESCRIPTORS: &str = "file descriptors for all processes (raise `fs.file-max`)";
const MEMORY: &str = "memory for connections (give it more)";
const PORTS: &str = "local ports (probe less often, keep connections, or widen \
                     `net.ipv4.ip_local_port_range`)";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_shortage_says_what_to_do() {
        let told = |code| words(&io::Error::from_raw_os_error(code));
        assert!(told(24).contains("ulimit -n"), "{}", told(24));
        assert!(told(23).contains("fs.file-max"), "{}", told(23));
        assert!(told(12).contains("memory"), "{}", told(12));
        let port = io::Error::from(io::ErrorKind::AddrNotAvailable);
        assert!(words(&port).starts_with("resources ("), "{}", words(&port));
    }
}
