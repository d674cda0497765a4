//! What a login over TLS binds itself to: the certificate that the server showed. A login that
//! somebody in between passes on is then worth nothing (RFC 5802, section 6).

use aws_lc_rs::digest::{self, Algorithm};
use rustls::ClientConnection;
use x509_parser::oid_registry::{
    OID_PKCS1_MD5WITHRSAENC, OID_PKCS1_SHA1WITHRSA, OID_PKCS1_SHA256WITHRSA,
    OID_PKCS1_SHA384WITHRSA, OID_PKCS1_SHA512WITHRSA, OID_SIG_ECDSA_WITH_SHA256,
    OID_SIG_ECDSA_WITH_SHA384, OID_SIG_ECDSA_WITH_SHA512, Oid,
};

/// The binding `tls-server-end-point` (RFC 5929, section 4.1); nothing where the certificate's
/// signature has no single hash function, for which the standard defines none.
pub fn of(session: &ClientConnection) -> Option<Vec<u8>> {
    let leaf = session.peer_certificates()?.first()?;
    let (_, certificate) = x509_parser::parse_x509_certificate(leaf).ok()?;
    let hash = hash(&certificate.signature_algorithm.algorithm)?;
    Some(digest::digest(hash, leaf).as_ref().to_vec())
}

/// The hash function of a signature; SHA-256 in the place of MD5 and SHA-1.
fn hash(signature: &Oid<'_>) -> Option<&'static Algorithm> {
    let known: [(&[Oid<'_>], &'static Algorithm); 3] = [
        (
            &[
                OID_PKCS1_MD5WITHRSAENC,
                OID_PKCS1_SHA1WITHRSA,
                OID_PKCS1_SHA256WITHRSA,
                OID_SIG_ECDSA_WITH_SHA256,
            ],
            &digest::SHA256,
        ),
        (
            &[OID_PKCS1_SHA384WITHRSA, OID_SIG_ECDSA_WITH_SHA384],
            &digest::SHA384,
        ),
        (
            &[OID_PKCS1_SHA512WITHRSA, OID_SIG_ECDSA_WITH_SHA512],
            &digest::SHA512,
        ),
    ];
    let of_it = known.iter().find(|(names, _)| names.contains(signature));
    of_it.map(|(_, hash)| *hash)
}

#[cfg(test)]
mod tests {
    use super::*;
    use x509_parser::oid_registry::{OID_PKCS1_RSASSAPSS, OID_SIG_ED25519};

    #[test]
    fn the_signature_says_which_hash_is_taken() {
        for (signature, bytes) in [
            (OID_PKCS1_SHA1WITHRSA, Some(32)),
            (OID_SIG_ECDSA_WITH_SHA256, Some(32)),
            (OID_SIG_ECDSA_WITH_SHA384, Some(48)),
            (OID_PKCS1_SHA512WITHRSA, Some(64)),
            (OID_SIG_ED25519, None),
            (OID_PKCS1_RSASSAPSS, None),
        ] {
            assert_eq!(
                hash(&signature).map(Algorithm::output_len),
                bytes,
                "{signature}"
            );
        }
    }
}
