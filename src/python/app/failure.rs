//! A request that has failed: said in the log, and to the client if it still can be.

use pyo3::prelude::*;

use crate::exchange::{Breakage, OVERDUE, Reader, Response, SWITCHED};
use crate::python::deadline::request_timeout::is_request_timeout;
use crate::python::loggers::records::log_raised;
use crate::python::wsgi::client_gone::comes_of_it;
use crate::python::wsgi::respond::Trouble;

/// Ends the response to the request of this line. What the client is to blame for comes first: the
/// application has mostly raised because of it.
pub fn fail(
    py: Python<'_>,
    line: &str,
    response: &mut Response,
    reader: Option<&Reader>,
    trouble: Trouble,
) {
    let is_overdue = response.breakage() == Some(Breakage::Overdue);
    if is_overdue || matches!(&trouble, Trouble::Raised(error) if is_request_timeout(py, error)) {
        // Said when it was raised, and answered.
        response.give_up(Breakage::Overdue, OVERDUE);
    } else if let Some(failure) = reader.and_then(Reader::failure) {
        log::info!("{line}: {failure}");
        match failure.status() {
            Some(status) => response.refuse(status, ""),
            None => response.give_up(Breakage::Left, BAD_REQUEST),
        }
    } else if let Some(breakage) = response.breakage() {
        log::info!("{line}: {breakage}");
        // What comes of that is said with it.
        if let Trouble::Raised(error) = &trouble
            && !comes_of_it(py, error)
        {
            log_raised(py, &format!("Error handling request {line}"), error);
        }
        response.fail(FAILED);
    } else {
        match trouble {
            // What it has answered is its own; for the access log, a change of protocol.
            Trouble::HandedOver => return response.fail(SWITCHED),
            Trouble::Raised(error) => {
                log_raised(py, &format!("Error handling request {line}"), &error);
            }
            Trouble::Misused(text) => log::error!("Error handling request {line}: {text}"),
            Trouble::Client => {}
        }
        response.refuse(FAILED, "");
    }
}

/// The body that the client has promised did not come.
const BAD_REQUEST: u16 = 400;
/// The application, a hook, or the server itself has failed.
pub const FAILED: u16 = 500;
