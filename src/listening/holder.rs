//! Who has an address that is in use, as far as /proc tells.
//!
//! ```text
//!   /proc/net/tcp, tcp6, unix:  address ─► inode       /proc/PID/fd/N ─► socket:[inode]
//! ```
//!
//! Only the path of a unix socket is asked itself.
//!
//! Other users' processes cannot be looked into without root: then there is no answer.

use std::fmt;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};

use unicoro_sys::process::Pid;

use super::address::Address;
use super::stale_socket::listener_of;

/// A process that holds a socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Which one; the lowest if several share it.
    pub pid: Pid,
    /// The name of the process's command.
    pub name: String,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {} ({})", self.pid, self.name)
    }
}

/// Who listens at `address`.
#[must_use]
pub fn holder_of(address: &Address) -> Option<Holder> {
    let inodes = match address {
        Address::Tcp { port, .. } => [tcp_inodes("tcp", *port), tcp_inodes("tcp6", *port)].concat(),
        // Under whatever name it was bound, such as a relative one.
        Address::Unix(path) => {
            let pid = listener_of(path)?;
            return Some(Holder { pid, name: pid.name()? });
        }
        Address::Abstract(name) => unix_inodes(&format!("@{}", String::from_utf8_lossy(name))),
        Address::Fd(_) => return None,
    };
    if inodes.is_empty() { None } else { owner(&inodes) }
}

/// Sockets that listen on the port: the second column ends in the port, the fourth is 0A. Those that listen
/// come first; behind them are perhaps a hundred thousand connections that have ended (TIME_WAIT), which
/// take the kernel seconds to list.
fn tcp_inodes(table: &str, port: u16) -> Vec<String> {
    const LISTEN: &str = "0A";
    let Ok(file) = File::open(format!("/proc/net/{table}")) else { return Vec::new() };
    let port = format!(":{port:04X}");
    let lines = BufReader::new(file).lines().skip(1).map_while(Result::ok);
    let rows = lines.map(|line| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
    rows.take_while(|row| row.len() > 9 && row[3] == LISTEN)
        .filter(|row| row[1].ends_with(&port))
        .map(|mut row| row.swap_remove(9))
        .collect()
}

/// The last column is the path, the one before it the inode.
fn unix_inodes(path: &str) -> Vec<String> {
    let text = fs::read_to_string("/proc/net/unix").unwrap_or_default();
    let rows = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    rows.filter(|row| row.len() > 7 && row[7] == path).map(|row| row[6].to_owned()).collect()
}

fn owner(inodes: &[String]) -> Option<Holder> {
    let names: Vec<String> = inodes.iter().map(|inode| format!("socket:[{inode}]")).collect();
    let mut pids: Vec<i32> = fs::read_dir("/proc")
        .ok()?
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .collect();
    pids.sort_unstable();
    let pid = Pid::from_raw(pids.into_iter().find(|pid| holds(*pid, &names))?)?;
    Some(Holder { pid, name: pid.name()? })
}

fn holds(pid: i32, names: &[String]) -> bool {
    let Ok(files) = fs::read_dir(format!("/proc/{pid}/fd")) else { return false };
    files.flatten().any(|file| {
        fs::read_link(file.path())
            .is_ok_and(|target| names.iter().any(|name| target.as_os_str() == name.as_str()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn a_port_is_held_by_whoever_listens_on_it() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let address = Address::Tcp { host: "127.0.0.1".into(), port };
        assert_eq!(holder_of(&address).unwrap().pid, Pid::me());
        drop(listener);
        assert_eq!(holder_of(&address), None);
    }
}
