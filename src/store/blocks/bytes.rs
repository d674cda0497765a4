//! Numbers as bytes: small ones take one, whatever their sign.

/// A block that this version does not understand.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Damaged(String);

impl Damaged {
    /// What is wrong with it.
    pub fn new(what: &str) -> Self {
        Self(what.to_owned())
    }

    /// A part of it that is text cannot be read.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "errors are passed by value where they are mapped"
    )]
    pub fn text(error: serde_json::Error) -> Self {
        Self(error.to_string())
    }
}

/// How many bits of a number a byte carries; the eighth says that more follow.
const BITS: u32 = 7;
const MORE: u8 = 1 << BITS;

/// Bytes that are written.
#[derive(Debug, Default)]
pub struct Writer(Vec<u8>);

impl Writer {
    /// One byte.
    pub fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    /// A number, seven bits a byte, the lowest first.
    pub fn number(&mut self, mut number: u64) {
        while number >= u64::from(MORE) {
            self.0.push(number as u8 | MORE);
            number >>= BITS;
        }
        self.0.push(number as u8);
    }

    /// A number with a sign: 0, -1, 1, -2, … as 0, 1, 2, 3, ….
    pub fn signed(&mut self, number: i64) {
        self.number(((number << 1) ^ (number >> (i64::BITS - 1))) as u64);
    }

    /// A number whose low bits are mostly nothing, as those of a float that is near another: how
    /// many bytes are left without the empty ones at both ends, how many are left out below, and
    /// those that are left.
    pub fn sparse(&mut self, bits: u64) {
        if bits == 0 {
            self.0.push(0);
            return;
        }
        let below = bits.trailing_zeros() / u8::BITS;
        let left = u64::BITS / u8::BITS - bits.leading_zeros() / u8::BITS - below;
        self.0.push((left as u8) << 4 | below as u8);
        let bytes = (bits >> (below * u8::BITS)).to_le_bytes();
        self.0.extend(&bytes[..left as usize]);
    }

    /// A text with its length.
    pub fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.0.extend(text.as_bytes());
    }

    /// All that was written.
    pub fn done(self) -> Vec<u8> {
        self.0
    }
}

/// Bytes that are read.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    /// Whether nothing is left.
    pub const fn is_done(&self) -> bool {
        self.0.is_empty()
    }

    /// One byte.
    pub fn byte(&mut self) -> Result<u8, Damaged> {
        let (first, rest) = self.0.split_first().ok_or_else(cut)?;
        self.0 = rest;
        Ok(*first)
    }

    /// See [`Writer::number`].
    pub fn number(&mut self) -> Result<u64, Damaged> {
        let mut number = 0;
        for shift in (0..u64::BITS).step_by(BITS as usize) {
            let byte = self.byte()?;
            number |= u64::from(byte & !MORE) << shift;
            if byte & MORE == 0 {
                return Ok(number);
            }
        }
        Err(Damaged::new("a number of a block has no end"))
    }

    /// See [`Writer::number`]; one that fits in 32 bits.
    pub fn small(&mut self) -> Result<u32, Damaged> {
        let number = self.number()?;
        u32::try_from(number).map_err(|_| Damaged::new("a number of a block is too large"))
    }

    /// See [`Writer::signed`].
    pub fn signed(&mut self) -> Result<i64, Damaged> {
        let number = self.number()?;
        Ok((number >> 1) as i64 ^ -((number & 1) as i64))
    }

    /// See [`Writer::sparse`].
    pub fn sparse(&mut self) -> Result<u64, Damaged> {
        let head = self.byte()?;
        let (left, below) = (usize::from(head >> 4), usize::from(head & 0xf));
        let mut bytes = [0; size_of::<u64>()];
        let room = bytes.get_mut(below..below + left);
        let room = room.ok_or_else(|| Damaged::new("a value of a block is too large"))?;
        room.copy_from_slice(self.take(left)?);
        Ok(u64::from_le_bytes(bytes))
    }

    /// See [`Writer::text`].
    pub fn text(&mut self) -> Result<&'a str, Damaged> {
        let length = usize::try_from(self.number()?).unwrap_or(usize::MAX);
        let bytes = self.take(length)?;
        str::from_utf8(bytes).map_err(|_| Damaged::new("a text of a block is none"))
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], Damaged> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or_else(cut)?;
        self.0 = rest;
        Ok(taken)
    }
}

fn cut() -> Damaged {
    Damaged::new("a block ends too early")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Numbers of every magnitude alike.
    fn any_number() -> impl Strategy<Value = u64> {
        (0_u32..64, any::<u64>()).prop_map(|(shift, value)| value >> shift)
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(
            number in any_number(), signed in any::<i64>(), bits in any_number(),
            above in 0_u32..64, text in ".*"
        ) {
            let mut writer = Writer::default();
            writer.number(number);
            writer.signed(signed);
            writer.sparse(bits);
            writer.sparse(bits << above);
            writer.text(&text);
            let bytes = writer.done();
            let mut reader = Reader(&bytes);
            prop_assert_eq!(reader.number(), Ok(number));
            prop_assert_eq!(reader.signed(), Ok(signed));
            prop_assert_eq!(reader.sparse(), Ok(bits));
            prop_assert_eq!(reader.sparse(), Ok(bits << above));
            prop_assert_eq!(reader.text(), Ok(&*text));
            prop_assert!(reader.is_done());
        }

        #[test]
        fn whatever_is_read_ends_without_a_panic(bytes in any::<Vec<u8>>()) {
            for read in [
                |reader: &mut Reader<'_>| reader.number().is_ok(),
                |reader: &mut Reader<'_>| reader.small().is_ok(),
                |reader: &mut Reader<'_>| reader.sparse().is_ok(),
                |reader: &mut Reader<'_>| reader.text().is_ok(),
            ] {
                let mut reader = Reader(&bytes);
                while !reader.is_done() && read(&mut reader) {}
                prop_assert!(reader.0.len() <= bytes.len());
            }
        }
    }

    #[test]
    fn what_is_small_takes_little_room() {
        let length = |write: fn(&mut Writer)| {
            let mut writer = Writer::default();
            write(&mut writer);
            writer.done().len()
        };
        assert_eq!(length(|writer| writer.number(127)), 1);
        assert_eq!(length(|writer| writer.number(128)), 2);
        assert_eq!(length(|writer| writer.signed(-64)), 1);
        assert_eq!(length(|writer| writer.sparse(0)), 1);
        assert_eq!(length(|writer| writer.sparse(31.0_f64.to_bits())), 3);
    }
}
