//! Undoing the compression of a body, with a limit on what comes out.

use std::io::{self, Read};

use bytes::Bytes;
use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};

/// What became of a body.
#[derive(Debug, PartialEq, Eq)]
pub enum Decoded {
    /// The plain bytes.
    Plain(Bytes),
    /// An encoding that we do not know: the bytes as they came.
    Foreign(Bytes),
    /// The plain bytes would be more than allowed.
    TooLarge,
    /// The bytes are not what the encoding says.
    Broken,
}

/// Undoes the encodings of a `content-encoding` header, the last one first.
pub fn decode(body: Bytes, encodings: &str, limit: u64) -> Decoded {
    let mut body = body;
    // The limit holds for every layer, and more layers than two are a bomb, not an encoding.
    let layers: Vec<&str> = encodings.split(',').map(str::trim).collect();
    if body.is_empty() {
        return Decoded::Plain(body);
    }
    if layers.len() > 2 {
        return Decoded::Foreign(body);
    }
    for layer in layers.iter().rev() {
        let plain = match layer.to_ascii_lowercase().as_str() {
            "" | "identity" => continue,
            "gzip" | "x-gzip" => read_all(MultiGzDecoder::new(&body[..]), limit),
            // Both the zlib form of the standard and the bare form of many servers are about.
            "deflate" => read_all(ZlibDecoder::new(&body[..]), limit)
                .or_else(|_| read_all(DeflateDecoder::new(&body[..]), limit)),
            _ => return Decoded::Foreign(body),
        };
        match plain {
            Ok(Some(plain)) => body = plain,
            Ok(None) => return Decoded::TooLarge,
            Err(_) => return Decoded::Broken,
        }
    }
    Decoded::Plain(body)
}

fn read_all(decoder: impl Read, limit: u64) -> io::Result<Option<Bytes>> {
    let mut plain = Vec::new();
    decoder
        .take(limit.saturating_add(1))
        .read_to_end(&mut plain)?;
    Ok((plain.len() as u64 <= limit).then(|| Bytes::from(plain)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
    use std::io::Write as _;

    fn gzip(bytes: &[u8]) -> Bytes {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap().into()
    }

    #[test]
    fn the_usual_encodings_are_undone() {
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::fast());
        zlib.write_all(b"plain").unwrap();
        let mut bare = DeflateEncoder::new(Vec::new(), Compression::fast());
        bare.write_all(b"plain").unwrap();
        let cases = [
            (gzip(b"plain"), "gzip"),
            (gzip(b"plain"), "identity, X-GZIP"),
            (gzip(&gzip(b"plain")), "gzip, gzip"),
            (zlib.finish().unwrap().into(), "deflate"),
            (bare.finish().unwrap().into(), "deflate"),
        ];
        for (body, encodings) in cases {
            let plain = Decoded::Plain(Bytes::from_static(b"plain"));
            assert_eq!(decode(body, encodings, 99), plain, "{encodings}");
        }
    }

    #[test]
    fn a_bomb_stops_at_the_limit() {
        let bomb = gzip(&vec![0; 1 << 20]);
        assert!(bomb.len() < 4096);
        assert_eq!(decode(bomb.clone(), "gzip", 65_536), Decoded::TooLarge);
        assert_eq!(decode(gzip(&bomb), "gzip, gzip", 65_536), Decoded::TooLarge);
    }

    #[test]
    fn what_is_no_gzip_and_what_we_do_not_know_is_told_apart() {
        let text = Bytes::from_static(b"text");
        assert_eq!(decode(text.clone(), "gzip", 99), Decoded::Broken);
        assert_eq!(
            decode(text.clone(), "br", 99),
            Decoded::Foreign(text.clone())
        );
        assert_eq!(
            decode(Bytes::new(), "gzip", 99),
            Decoded::Plain(Bytes::new())
        );
        assert_eq!(
            decode(text.clone(), "gzip,gzip,gzip", 99),
            Decoded::Foreign(text)
        );
    }
}
