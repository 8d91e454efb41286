//! The small HTML pages that the server itself answers with.

use super::status::reason;

/// An HTML page for `status` with a sentence of detail, which is escaped.
pub fn error_page(status: u16, detail: &str) -> Vec<u8> {
    let reason = reason(status);
    let detail = escape(detail);
    format!(
        "<!DOCTYPE html>\n<html>\n<head><title>{status} {reason}</title></head>\n<body>\n\
         <h1>{status} {reason}</h1>\n<p>{detail}</p>\n</body>\n</html>\n"
    )
    .into_bytes()
}

/// The whole response to a request that is not served: head and page, then the connection closes.
///
/// `date` is an IMF-fixdate. With `is_head` the page's length is told and the page left out.
pub fn refusal(
    status: u16,
    detail: &str,
    fields: &[(&str, &str)],
    date: &str,
    is_head: bool,
) -> Vec<u8> {
    let page = error_page(status, detail);
    let mut response = format!(
        "HTTP/1.1 {status} {}\r\nServer: unicoro\r\nDate: {date}\r\nConnection: close\r\n\
         Content-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\n",
        reason(status),
        page.len()
    )
    .into_bytes();
    for (name, value) in fields {
        response.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
    }
    response.extend_from_slice(b"\r\n");
    if !is_head {
        response.extend_from_slice(&page);
    }
    response
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            _ => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_escapes_its_detail() {
        let page = String::from_utf8(error_page(400, "<script>&\"'")).unwrap();
        assert!(page.contains("<title>400 Bad Request</title>"));
        assert!(page.contains("<p>&lt;script&gt;&amp;&quot;&#39;</p>"));
    }

    #[test]
    fn a_refusal_closes_and_tells_its_length() {
        let whole = refusal(431, "x", &[], "DATE", false);
        let head = refusal(431, "x", &[], "DATE", true);
        assert!(whole.starts_with(&head));
        let text = String::from_utf8(head).unwrap();
        assert!(text.starts_with("HTTP/1.1 431 Request Header Fields Too Large\r\n"));
        assert!(text.contains("\r\nConnection: close\r\n"));
        let length = whole.len() - text.len();
        assert!(text.ends_with(&format!("\r\nContent-Length: {length}\r\n\r\n")));
    }
}
