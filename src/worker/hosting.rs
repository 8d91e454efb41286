//! One request of a connection, for an application on an event loop: begun, logged, and its connection
//! given back. Nothing here waits.

use std::sync::Arc;
use std::time::{Duration, Instant};

use unicoro_contract::{Connection, Inbox, ResidentsWord, tell_engine};

use super::access::AccessLine;
use super::rules::Admission;
use super::service::Service;
use crate::exchange::{Memory, Place, Response, Streams, WebSockets};
use crate::http::{Head, HttpError, Manner, RequestFacts, takes_trailers};
use crate::python::{Host, Opened};

impl Host for Service {
    fn open(
        &self,
        mut conn: Box<Connection>,
        came: Instant,
        begin: &mut dyn FnMut(&Head<'_>, &Place<'_>, Opened),
    ) {
        (conn.deadline, conn.is_kept, conn.scanned) = (None, false, 0);
        let len = conn.head.take().unwrap_or_default();
        let mut bytes = conn.inbox.take_front(len);
        let loosened = self.rules.loosen(&mut bytes);
        let kept: Arc<[u8]> = Arc::from(bytes.as_slice());
        match loosened.and_then(|()| self.judge(&kept, &conn)) {
            Ok((head, admission)) => {
                Inbox::recycle(bytes);
                self.begin(conn, came, &kept, &head, &admission, begin);
            }
            Err(_) => {
                // Who refuses it may have to wait for its client.
                conn.head = Some(bytes.len());
                conn.inbox.put_back(bytes);
                tell_engine(ResidentsWord::NotMine(conn));
            }
        }
    }

    fn answered(&self, opened: Opened) {
        let Opened { mut connection, head, response, unread, began, place } = opened;
        self.desk.end_beside(place);
        self.quota.use_one();
        if self.access.is_some() {
            let client = Memory::client(&connection);
            let judged = self.judge(&head, &connection).ok();
            self.log(|| AccessLine {
                client: &client,
                head: judged.as_ref().map(|(head, _)| head),
                answer: response.answer(),
                environ: &[],
                duration: began.elapsed(),
                is_written: false,
            });
        }
        connection.served += 1;
        let after = self.ending.after_at_once(&mut connection, response.fate(), unread);
        drop(response);
        tell_engine(ResidentsWord::Over(connection, after));
    }

    fn sockets(&self) -> &WebSockets {
        &self.sockets
    }

    fn streams(&self) -> &Streams {
        &self.streams
    }

    fn request_timeout(&self) -> Option<Duration> {
        self.request_timeout
    }
}

impl Service {
    fn judge<'a>(
        &'a self,
        bytes: &'a [u8],
        conn: &Connection,
    ) -> Result<(Head<'a>, Admission<'a>), HttpError> {
        let mut head = self.rules.parse(bytes)?;
        let admission = self.rules.admit(&mut head, &conn.peer)?;
        Ok((head, admission))
    }

    fn begin(
        &self,
        mut conn: Box<Connection>,
        began: Instant,
        bytes: &Arc<[u8]>,
        head: &Head<'_>,
        admission: &Admission<'_>,
        begin: &mut dyn FnMut(&Head<'_>, &Place<'_>, Opened),
    ) {
        conn.stream.expect_response();
        let place = self.desk.begin_beside(head.method, head.target.raw);
        // As uvicorn; REMOTE_ADDR of a WSGI application stays the peer, as with gunicorn.
        let forwarded = self.rules.forwarded_client(head, &conn.peer);
        let client = forwarded.unwrap_or_else(|| Memory::client(&conn));
        let local = conn.local.clone();
        let proxy = Memory::of(&conn).and_then(|memory| memory.proxy);
        let facts = RequestFacts {
            takes_trailers: takes_trailers(head),
            manner: Manner::Plain,
            ..self.facts(&conn, head)
        };
        let unread = self.unread(&mut conn, head);
        let stream = Arc::clone(&conn.stream);
        let response =
            Response::new(stream, began, facts, self.rules.response, unread.continue_due());
        let where_from = Place {
            client: &client,
            local: &local,
            proxy: proxy.as_ref(),
            is_https: admission.is_https,
            script_name: admission.script_name.trim_end_matches('/'),
            path: admission.path,
        };
        let head_bytes = Arc::clone(bytes);
        let opened = Opened { connection: conn, head: head_bytes, response, unread, began, place };
        begin(head, &where_from, opened);
    }
}
