//! Whether a request has come with all of its body.
//!
//! Asked only where it matters who is served first: it looks at the head once more.

use super::body::BodyDecoder;
use super::framing::Framing;
use super::head::parse_lenient;
use super::leniency::Leniency;
use super::limits::Limits;
use super::scan::scan;

/// Whether nothing more of the request at the start of `buf` is to come. What will be refused is
/// whole: nobody waits for its rest.
pub fn is_whole(buf: &[u8], limits: &Limits, leniency: &Leniency) -> bool {
    let Ok(found) = scan(buf, &mut 0, limits) else { return true };
    let Some(length) = found else { return false };
    let (head, body) = buf.split_at(length);
    match parse_lenient(head, limits, leniency).map(|head| head.framing) {
        Ok(Framing::Length(length)) => body.len() as u64 >= length,
        Ok(Framing::Chunked) => has_end(body),
        Ok(Framing::Empty) | Err(_) => true,
    }
}

fn has_end(mut chunks: &[u8]) -> bool {
    let mut decoder = BodyDecoder::new(Framing::Chunked);
    while !decoder.is_done() {
        match decoder.decode(chunks, usize::MAX) {
            Ok(decoded) if decoded.consumed == 0 => return false,
            Ok(decoded) => chunks = &chunks[decoded.consumed..],
            Err(_) => return true,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(request: &str) -> bool {
        is_whole(request.as_bytes(), &Limits::default(), &Leniency::default())
    }

    #[test]
    fn a_request_is_whole_with_the_last_byte_of_its_body() {
        for request in [
            "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello",
            "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2;a\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
        ] {
            assert!(whole(request) && whole(&format!("{request}GET")), "{request}");
            for end in 0..request.len() {
                assert!(!whole(&request[..end]), "{}", &request[..end]);
            }
        }
    }

    #[test]
    fn what_will_be_refused_is_whole() {
        assert!(whole("\x16"));
        assert!(whole("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n"));
        assert!(whole("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nx"));
    }
}
