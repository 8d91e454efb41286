//! An application that a test writes, for the code that changes while it is served.

/// Its source: a module whose `application` answers this text.
pub fn answering(text: &str) -> String {
    format!(
        "from notes import plain\n\n\ndef application(environ, start_response):\n    \
         return plain(start_response, {text:?})\n"
    )
}
