//! HTTP/1.0 and HTTP/1.1 as pure functions of bytes: heads, bodies, responses (RFC 9110, 9112).
//!
//! httparse reads the head's syntax; which heads are served is decided here, and strictly: what
//! two servers in a row could read differently is refused. Nothing in this module touches a file
//! descriptor, a clock or Python, so every rule is tested with literal bytes.
//!
//! A connection goes through it like this:
//!
//! ```text
//! bytes in ─► scan ─► parse ─► Head ─► BodyDecoder(head.framing) ─► body bytes
//!                └─ HttpError ─► refusal ─► bytes out, then close
//! the app's status and fields ─► Encoder::head ─► Encoder::frame ... ─► Encoder::finish
//! ```

pub mod body;
pub(crate) mod bytes;
mod chunk;
pub mod error;
mod fault;
mod field_list;
mod fields;
pub mod forwarded;
pub mod frame;
pub mod framing;
pub mod head;
mod host;
pub mod interim;
mod known_fields;
pub mod leniency;
pub mod limits;
pub mod page;
pub mod percent;
pub mod proxy;
pub mod response;
pub mod scan;
pub mod status;
mod survey;
pub mod target;
pub mod trailers;
pub mod version;
pub mod whole;

pub use body::{BodyDecoder, Decoded};
pub use error::{HttpError, ResponseError};
pub use field_list::Field;
pub use fields::Fields;
pub use forwarded::{Forwarded, Forwarding, Underscores, below, client as forwarded_client};
pub use frame::{ChunkSize, Framed, FramedLen};
pub use framing::Framing;
pub use head::{Head, parse, parse_lenient};
pub use interim::{CONTINUE, early_hints};
pub use leniency::Leniency;
pub use limits::Limits;
pub use page::{error_page, refusal};
pub use percent::decode as percent_decode;
pub use proxy::{Preface, ProxyHeader, ProxyVersions, preface};
pub use response::{Encoder, Finish, Manner, RequestFacts};
pub use scan::{has_begun, scan};
pub use status::reason;
pub use target::Target;
pub use trailers::{takes_trailers, trailers};
pub use version::Version;
pub use whole::is_whole;
