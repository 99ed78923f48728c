//! Files that people name, read up to a bound: one may be a device, a pipe, or growing.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;

/// The bytes of a file that has at most `most`.
///
/// # Errors
/// Where it can't be read; [`ErrorKind::FileTooLarge`] where it has more.
pub fn read(file: &Path, most: u64) -> io::Result<Vec<u8>> {
    read_from(File::open(file)?, most)
}

/// The same, of a text.
///
/// # Errors
/// As [`read`], and where it is not UTF-8.
pub fn read_text(file: &Path, most: u64) -> io::Result<String> {
    text(read(file, most)?)
}

/// The text that comes from a stream, of at most `most` bytes.
///
/// # Errors
/// As [`read_text`].
pub fn read_text_from(stream: impl Read, most: u64) -> io::Result<String> {
    text(read_from(stream, most)?)
}

fn read_from(stream: impl Read, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    stream.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(io::Error::new(ErrorKind::FileTooLarge, format!("it has more than {most} bytes")));
    }
    Ok(bytes)
}

fn text(bytes: Vec<u8>) -> io::Result<String> {
    String::from_utf8(bytes).map_err(|_| io::Error::new(ErrorKind::InvalidData, "it is not UTF-8 text"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_up_to_its_bound_and_one_without_an_end_is_refused() {
        let endless = read(Path::new("/dev/zero"), 1000).unwrap_err();
        assert_eq!(
            (endless.kind(), endless.to_string().as_str()),
            (ErrorKind::FileTooLarge, "it has more than 1000 bytes")
        );
        assert_eq!(read_text_from(&b"abc"[..], 3).unwrap(), "abc");
        assert_eq!(read_text_from(&b"abcd"[..], 3).unwrap_err().kind(), ErrorKind::FileTooLarge);
        assert_eq!(read_text_from(&[0xff][..], 3).unwrap_err().kind(), ErrorKind::InvalidData);
        assert_eq!(read(Path::new("/nowhere/at/all"), 3).unwrap_err().kind(), ErrorKind::NotFound);
    }
}
