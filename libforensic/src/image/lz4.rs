//! Decompresses pages.

use super::error::{Error, ErrorKind, Result};

/// Decompresses one block of pages into a buffer of exactly its size.
///
/// `size` is the block's entry in [`Compressed::sizes`](super::Compressed), and
/// `stored` that many bytes of the pages image: none for a block of zeros, the
/// pages themselves if there are as many bytes as the buffer has, and otherwise
/// an LZ4 block without a frame.
///
/// # Errors
///
/// [`ErrorKind::Compression`] if the bytes are not such a block or give another
/// number of bytes than the buffer has. The error's offset counts from the
/// block's start, and the buffer's contents are unspecified.
///
/// ```
/// let mut page = [1; 4096];
/// libforensic::image::lz4::decode_block(0, &[], &mut page)?;
/// assert_eq!(page, [0; 4096]);
/// # Ok::<(), libforensic::image::Error>(())
/// ```
pub fn decode_block(size: u32, stored: &[u8], block: &mut [u8]) -> Result<()> {
    let failed = |what: String| Error::new(ErrorKind::Compression, 0, what);
    if u64::from(size) != stored.len() as u64 {
        return Err(failed(format!("a block of {size} bytes has {}", stored.len())));
    }
    if stored.is_empty() {
        block.fill(0);
    } else if stored.len() == block.len() {
        block.copy_from_slice(stored);
    } else {
        let written =
            lz4_flex::block::decompress_into(stored, block).map_err(|error| failed(error.to_string()))?;
        if written != block.len() {
            return Err(failed(format!("a block gives {written} bytes instead of {}", block.len())));
        }
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::cast_possible_truncation)] // sizes are those written here
mod tests {
    use super::*;

    #[test]
    fn blocks() {
        let page: Vec<u8> = (0..4096_u32).map(|i| (i % 7) as u8).collect();
        let mut out = vec![9; 4096];
        decode_block(4096, &page, &mut out).unwrap();
        assert_eq!(out, page);
        // A block by hand: token 0x1f is one literal `x`, then a match 15 + 0xff… + rest long.
        let mut by_hand = vec![0x1f, b'x', 1, 0];
        by_hand.extend([0xff; 15]);
        by_hand.push((4096 - 1 - 5 - 19 - 15 * 255) as u8);
        by_hand.extend([0x50, b'x', b'x', b'x', b'x', b'x']);
        decode_block(by_hand.len() as u32, &by_hand, &mut out).unwrap();
        assert_eq!(out, vec![b'x'; 4096]);
        let mut large = vec![0; 8192];
        assert!(decode_block(by_hand.len() as u32, &by_hand, &mut large).is_err());
        assert!(decode_block(3, &by_hand, &mut out).is_err());
        assert!(decode_block(2, &[0xff, 0xff], &mut out).is_err());
    }
}
