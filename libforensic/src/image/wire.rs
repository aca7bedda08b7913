//! Walks protobuf bytes without interpreting them.

/// What is wrong with the bytes of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WireError {
    /// The bytes end within a field.
    Short,
    /// A varint takes more than ten bytes, or more than 64 bits.
    LongVarint,
    /// A field has the number 0, or one too large.
    Number,
    /// A wire type that CRIU's messages never use (groups) or that does not exist.
    WireType,
    /// A field's wire type is not the one of its declared type.
    Mismatch,
    /// Messages nest deeper than any of CRIU's can.
    TooDeep,
}

impl WireError {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            WireError::Short => "a field is cut short",
            WireError::LongVarint => "a varint has no end",
            WireError::Number => "a field number is out of range",
            WireError::WireType => "a field has an unknown wire type",
            WireError::Mismatch => "a field has the wire type of another type",
            WireError::TooDeep => "messages are nested too deep",
        }
    }
}

/// A field's value as the wire has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WireValue<'a> {
    Varint(u64),
    Fixed64(u64),
    Bytes(&'a [u8]),
    Fixed32(u32),
}

/// A field as the wire has it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WireField<'a> {
    pub(crate) number: u32,
    pub(crate) value: WireValue<'a>,
    /// Key, length and varint take no more bytes than they need.
    pub(crate) minimal: bool,
}

/// Reads fields from the front of a message.
#[derive(Debug, Clone)]
pub(crate) struct Wire<'a> {
    rest: &'a [u8],
}

impl<'a> Wire<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Reads a varint and says whether it is as short as it can be.
    pub(crate) fn varint(&mut self) -> Result<(u64, bool), WireError> {
        // Keys and most values take one byte.
        if let Some((byte, rest)) = self.rest.split_first()
            && *byte < 0x80
        {
            self.rest = rest;
            return Ok((u64::from(*byte), true));
        }
        let mut value: u64 = 0;
        let mut shift: u32 = 0;
        let mut rest = self.rest;
        loop {
            let (byte, tail) = rest.split_first().ok_or(WireError::Short)?;
            rest = tail;
            let bits = u64::from(*byte & 0x7f);
            let last = *byte & 0x80 == 0;
            // The tenth byte holds one bit. Reference decoders drop what lies
            // above it; here it is an error, since it could not be kept.
            if shift == 63 && bits > 1 {
                return Err(WireError::LongVarint);
            }
            value |= bits.wrapping_shl(shift);
            if last {
                self.rest = rest;
                return Ok((value, *byte != 0));
            }
            if shift >= 63 {
                return Err(WireError::LongVarint);
            }
            shift = shift.saturating_add(7);
        }
    }

    fn take(&mut self, count: u64) -> Result<&'a [u8], WireError> {
        let count = usize::try_from(count).map_err(|_| WireError::Short)?;
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(WireError::Short)?;
        self.rest = rest;
        Ok(taken)
    }

    fn field(&mut self) -> Result<WireField<'a>, WireError> {
        let (key, key_minimal) = self.varint()?;
        let number = u32::try_from(key >> 3).map_err(|_| WireError::Number)?;
        if number == 0 || number > 0x1fff_ffff {
            return Err(WireError::Number);
        }
        let mut minimal = key_minimal;
        let value = match key & 7 {
            0 => {
                let (value, short) = self.varint()?;
                minimal &= short;
                WireValue::Varint(value)
            }
            1 => {
                let bytes = self.take(8)?.try_into().map_err(|_| WireError::Short)?;
                WireValue::Fixed64(u64::from_le_bytes(bytes))
            }
            2 => {
                let (len, short) = self.varint()?;
                minimal &= short;
                WireValue::Bytes(self.take(len)?)
            }
            5 => {
                let bytes = self.take(4)?.try_into().map_err(|_| WireError::Short)?;
                WireValue::Fixed32(u32::from_le_bytes(bytes))
            }
            _ => return Err(WireError::WireType),
        };
        Ok(WireField { number, value, minimal })
    }
}

impl<'a> Iterator for Wire<'a> {
    type Item = Result<WireField<'a>, WireError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            self.rest = &[];
        }
        Some(field)
    }
}

/// Reads one varint field of a message, the last one if it is repeated.
pub(crate) fn number_in(body: &[u8], number: u32) -> Result<Option<u64>, WireError> {
    let mut found = None;
    for field in Wire::new(body) {
        let field = field?;
        if field.number == number {
            match field.value {
                WireValue::Varint(value) => found = Some(value),
                _ => return Err(WireError::Mismatch),
            }
        }
    }
    Ok(found)
}

/// Appends a varint in its shortest form.
pub(crate) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        #[allow(clippy::cast_possible_truncation)] // masked to seven bits
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    #[allow(clippy::cast_possible_truncation)] // less than 0x80
    out.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn varints() {
        let read = |bytes: &[u8]| Wire::new(bytes).varint();
        assert_eq!(read(&[0]), Ok((0, true)));
        assert_eq!(read(&[0x80, 0]), Ok((0, false)));
        assert_eq!(read(&[0xff, 1]), Ok((255, true)));
        assert_eq!(read(&[0xff; 3]), Err(WireError::Short));
        assert_eq!(read(&[0xff; 11]), Err(WireError::LongVarint));
        let largest = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1];
        assert_eq!(read(&largest), Ok((u64::MAX, true)));
        let beyond = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2];
        assert_eq!(read(&beyond), Err(WireError::LongVarint));
        for value in [0, 1, 127, 128, 300, u64::MAX] {
            let mut bytes = Vec::new();
            put_varint(&mut bytes, value);
            assert_eq!(read(&bytes), Ok((value, true)));
        }
    }

    #[test]
    fn fields() {
        let all: Vec<_> = Wire::new(&[0x08, 5, 0x12, 1, 7, 0x0d, 1, 2, 3]).collect();
        assert_eq!(all.len(), 3);
        assert!(all[1].unwrap().value == WireValue::Bytes(&[7]));
        assert_eq!(all[2].unwrap_err(), WireError::Short);
        assert!(Wire::new(&[0x0b]).next().unwrap().is_err());
        assert!(Wire::new(&[0x00, 1]).next().unwrap().is_err());
        assert_eq!(number_in(&[0x08, 5, 0x08, 6], 1), Ok(Some(6)));
        assert_eq!(number_in(&[0x08, 5], 2), Ok(None));
        assert_eq!(number_in(&[0x0a, 0], 1), Err(WireError::Mismatch));
    }
}
