//! Lists of peers that are trusted: addresses, CIDR networks, or `*` for all.
//!
//! Never resolves names. The rule: an IPv4 peer of a dual-stack listener (`::ffff:1.2.3.4`) is that
//! IPv4 address, as the one who wrote the list meant it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::complaint::Complaint;

/// Which IP addresses are trusted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Networks {
    is_all: bool,
    blocks: Vec<Block>,
}

/// One network: all addresses whose first `prefix` bits are those of `base`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Block {
    base: IpAddr,
    prefix: u32,
}

impl Networks {
    /// Whether `peer` is in one of them.
    pub fn contains(&self, peer: IpAddr) -> bool {
        let peer = peer.to_canonical();
        self.is_all || self.blocks.iter().any(|block| block.contains(peer))
    }

    /// Adds what `text` names.
    pub(in crate::config) fn add(&mut self, text: &str) -> Result<(), Complaint> {
        if text == "*" {
            self.is_all = true;
        } else {
            self.blocks.push(Block::parse(text)?);
        }
        Ok(())
    }
}

impl Block {
    fn parse(text: &str) -> Result<Self, Complaint> {
        let (address, prefix) = text.split_once('/').unwrap_or((text, ""));
        let base: IpAddr = address.parse().map_err(|_| not_a_network())?;
        let longest = if base.is_ipv4() { Ipv4Addr::BITS } else { Ipv6Addr::BITS };
        let prefix = match prefix {
            "" if text.contains('/') => return Err(not_a_network()),
            "" => longest,
            digits if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                digits.parse().map_err(|_| not_a_network())?
            }
            _ => return Err(not_a_network()),
        };
        let block = Block { base, prefix };
        if prefix > longest {
            return Err(not_a_network());
        }
        let first = block.first();
        if first != base {
            // gunicorn refuses it too: 192.168.1.1/24 is a mistake more often than a network.
            return Err(Complaint::new(
                "bits are set behind the network's prefix",
                format!("give {first}/{prefix}"),
            ));
        }
        Ok(block)
    }

    fn contains(&self, peer: IpAddr) -> bool {
        match (self.base, peer) {
            (IpAddr::V4(base), IpAddr::V4(peer)) => {
                (base.to_bits() ^ peer.to_bits()) & mask_v4(self.prefix) == 0
            }
            (IpAddr::V6(base), IpAddr::V6(peer)) => {
                (base.to_bits() ^ peer.to_bits()) & mask_v6(self.prefix) == 0
            }
            _ => false,
        }
    }

    /// The network's first address.
    fn first(&self) -> IpAddr {
        match self.base {
            IpAddr::V4(base) => Ipv4Addr::from_bits(base.to_bits() & mask_v4(self.prefix)).into(),
            IpAddr::V6(base) => Ipv6Addr::from_bits(base.to_bits() & mask_v6(self.prefix)).into(),
        }
    }
}

fn mask_v4(prefix: u32) -> u32 {
    // A shift by all bits is none in Rust: checked.
    u32::MAX.checked_shl(Ipv4Addr::BITS - prefix.min(Ipv4Addr::BITS)).unwrap_or(0)
}

fn mask_v6(prefix: u32) -> u128 {
    u128::MAX.checked_shl(Ipv6Addr::BITS - prefix.min(Ipv6Addr::BITS)).unwrap_or(0)
}

fn not_a_network() -> Complaint {
    Complaint::new(
        "neither an IP address nor a network",
        "give addresses such as 10.0.0.1, networks such as 10.0.0.0/8, or * for all",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn networks(texts: &[&str]) -> Networks {
        let mut networks = Networks::default();
        for text in texts {
            networks.add(text).unwrap();
        }
        networks
    }

    fn contains(texts: &[&str], peer: &str) -> bool {
        networks(texts).contains(peer.parse().unwrap())
    }

    #[test]
    fn an_address_is_itself_and_a_network_all_of_its_addresses() {
        assert!(contains(&["127.0.0.1", "::1"], "127.0.0.1"));
        assert!(contains(&["127.0.0.1", "::1"], "::1"));
        assert!(!contains(&["127.0.0.1", "::1"], "127.0.0.2"));
        assert!(contains(&["10.0.0.0/8"], "10.255.0.1"));
        assert!(!contains(&["10.0.0.0/8"], "11.0.0.0"));
        assert!(
            contains(&["192.0.2.4/30"], "192.0.2.7") && !contains(&["192.0.2.4/30"], "192.0.2.8")
        );
        assert!(contains(&["2001:db8::/32"], "2001:db8:1::2"));
        assert!(!contains(&["2001:db8::/32"], "2001:db9::"));
        assert!(contains(&["0.0.0.0/0"], "8.8.8.8") && !contains(&["0.0.0.0/0"], "::1"));
        assert!(contains(&["::/0"], "::1") && !contains(&["::/0"], "8.8.8.8"));
    }

    #[test]
    fn a_star_is_everybody_and_an_empty_list_nobody() {
        assert!(contains(&["*"], "8.8.8.8") && contains(&["10.0.0.1", "*"], "::2"));
        assert!(!contains(&[], "127.0.0.1"));
    }

    #[test]
    fn an_ipv4_peer_of_a_dual_stack_listener_is_that_ipv4_address() {
        assert!(contains(&["10.0.0.0/8"], "::ffff:10.1.2.3"));
        assert!(!contains(&["127.0.0.1"], "::ffff:10.1.2.3"));
    }

    #[test]
    fn what_is_no_network_is_refused_with_what_to_do() {
        for text in ["", "localhost", "10.0.0.1/", "10.0.0.0/33", "10.0.0.0/+8", "1.2.3", "::1/129"]
        {
            let complaint = Networks::default().add(text).unwrap_err().to_string();
            assert!(complaint.starts_with("neither an IP address"), "{text}: {complaint}");
        }
        let complaint = Networks::default().add("192.168.1.1/24").unwrap_err().to_string();
        assert!(complaint.ends_with("give 192.168.1.0/24"), "{complaint}");
    }
}
