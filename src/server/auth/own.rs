//! The daemon's own token: with it this machine's user acts where no token was declared. Whoever can
//! read the file could stop rollbacks by a file beside it anyway.

use std::io::{self, Write as _};
use std::path::Path;

use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::plan::server::SHORTEST_TOKEN;
use crate::secret::Secret;

/// The name of the file in the state folder.
pub const FILE: &str = "act-token";

/// So many random bytes are a token.
const RANDOM: usize = 32;

/// The token in the state folder; made, readable by its owner alone, where there is none.
///
/// # Errors
/// When the file cannot be read or written.
pub fn token(folder: &Path) -> io::Result<Secret> {
    let file = folder.join(FILE);
    match std::fs::read_to_string(&file) {
        Ok(text) if text.trim().len() >= SHORTEST_TOKEN => return Ok(Secret::new(text.trim())),
        // Begun and never finished.
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let mut random = [0; RANDOM];
    let filled = SystemRandom::new().fill(&mut random);
    filled.map_err(|_| io::Error::other("the operating system gives no random numbers"))?;
    let token = URL_SAFE_NO_PAD.encode(random);
    std::fs::create_dir_all(folder)?;
    // For its owner alone, as all temporary files are.
    let mut written = tempfile::NamedTempFile::new_in(folder)?;
    writeln!(written, "{token}")?;
    written.as_file().sync_all()?;
    written.persist(&file).map_err(|error| error.error)?;
    Ok(Secret::new(&token))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_stays_and_is_for_its_owner() {
        let folder = tempfile::tempdir().unwrap();
        let below = folder.path().join("state");
        let first = token(&below).unwrap();
        assert!(first.reveal().len() >= 40);
        assert!(token(&below).unwrap() == first);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = std::fs::metadata(below.join(FILE))
                .unwrap()
                .permissions()
                .mode();
            assert_eq!(mode & 0o077, 0, "{mode:o}");
        }
        std::fs::write(below.join(FILE), "").unwrap();
        assert!(token(&below).unwrap() != first);
    }
}
