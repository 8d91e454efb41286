//! The access log as one JSON object a line.
//!
//! Numbers are numbers; what was not there is null. Bytes beyond UTF-8 become U+FFFD.

use std::fmt::Write;

use unicoro_sys::clock::LocalTime;

use super::access_record::AccessRecord;
use super::basic_auth::user_of;
use super::syslog::long_time;

/// Appends the object for `record`, without a newline.
pub fn render(record: &AccessRecord<'_>, out: &mut Vec<u8>) {
    let mut text = String::with_capacity(512);
    let time = long_time(&LocalTime::from_unix(record.unix_seconds));
    push(&mut text, "{", "time", Some(time.as_bytes()));
    push(&mut text, ",", "remote_addr", some(record.remote_addr));
    let user = (record.request_header)("authorization").as_deref().and_then(user_of);
    push(&mut text, ",", "user", user.as_deref());
    push(&mut text, ",", "method", some(record.method));
    push(&mut text, ",", "target", some(record.target));
    push(&mut text, ",", "path", some(record.path));
    push(&mut text, ",", "query", Some(record.query));
    push(&mut text, ",", "protocol", some(record.protocol));
    let sent = record.sent.map_or("null".to_owned(), |bytes| bytes.to_string());
    let seconds = record.duration.as_secs_f64();
    // Writing to a String cannot fail.
    let _ = write!(
        text,
        ",\"status\":{},\"bytes\":{sent},\"duration\":{seconds:.6},\"pid\":{}",
        record.status, record.pid
    );
    for (key, name) in [
        ("host", "host"),
        ("referer", "referer"),
        ("user_agent", "user-agent"),
        ("request_id", "x-request-id"),
    ] {
        push(&mut text, ",", key, (record.request_header)(name).as_deref());
    }
    text.push('}');
    out.extend(text.as_bytes());
}

fn some(bytes: &[u8]) -> Option<&[u8]> {
    Some(bytes).filter(|bytes| !bytes.is_empty())
}

fn push(text: &mut String, before: &str, key: &str, value: Option<&[u8]>) {
    let _ = write!(text, "{before}\"{key}\":");
    let Some(value) = value else { return text.push_str("null") };
    text.push('"');
    for character in String::from_utf8_lossy(value).chars() {
        match character {
            '"' | '\\' => text.extend(['\\', character]),
            // Control characters must be escaped (RFC 8259, 7); some readers end a line at the
            // others.
            other if other.is_control() || matches!(other, '\u{2028}' | '\u{2029}') => {
                let _ = write!(text, "\\u{:04x}", u32::from(other));
            }
            other => text.push(other),
        }
    }
    text.push('"');
}

#[cfg(test)]
mod tests {
    use super::super::access_record::nothing;
    use super::*;
    use std::borrow::Cow;
    use std::time::Duration;
    use unicoro_sys::process::Pid;

    #[test]
    fn a_request_is_one_object_that_it_cannot_break_out_of() {
        let headers = |name: &str| {
            (name == "user-agent").then_some(Cow::Borrowed(&b"a\"b\n\xff\xc2\x85"[..]))
        };
        let record = AccessRecord {
            remote_addr: b"127.0.0.1",
            method: b"GET",
            target: b"/%0a?q",
            path: b"/\n",
            query: b"q",
            protocol: b"HTTP/1.1",
            status: 200,
            sent: Some(5),
            unix_seconds: 0,
            duration: Duration::from_micros(1500),
            pid: Pid::from_raw(7).unwrap(),
            request_header: &headers,
            response_header: &nothing,
            environ: &nothing,
        };
        let mut line = Vec::new();
        render(&record, &mut line);
        let line = String::from_utf8(line).unwrap();
        for part in [
            r#""remote_addr":"127.0.0.1","user":null,"method":"GET","target":"/%0a?q","path":"/\u000a""#,
            r#""query":"q","protocol":"HTTP/1.1","status":200,"bytes":5,"duration":0.001500,"pid":7"#,
            "\"referer\":null,\"user_agent\":\"a\\\"b\\u000a\u{fffd}\\u0085\",\"request_id\":null}",
        ] {
            assert!(line.contains(part), "{part}\n{line}");
        }
        assert!(line.starts_with("{\"time\":\"19") && !line.contains('\n'), "{line}");
    }
}
