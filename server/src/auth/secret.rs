//! Codes and tokens: made from the operating system's randomness, kept as SHA-256 only. A hash is looked up, never compared byte by byte
//! with a stored secret, so the time of an answer tells nothing. Never here: people, sessions, a store.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::Mutex,
    time::{Duration, Instant},
};

use sha2::{Digest as _, Sha256};

use crate::planted::planted;

pub type Hash = [u8; 32];

/// A secret on its way to the one person it belongs to. No `Debug`, no `Display`: it cannot slip into a log.
pub struct Secret(String);

impl Secret {
    pub fn reveal(&self) -> &str {
        &self.0
    }
    pub fn hash(&self) -> Hash {
        hash(&self.0)
    }
}

pub fn hash(text: &str) -> Hash {
    let text = if planted!("token-by-prefix") { text.get(..16).unwrap_or(text) } else { text };
    Sha256::digest(text.as_bytes()).into()
}

/// `dwx_` and 256 bits: the prefix lets scanners find a token that leaked into a repository.
pub fn new_token() -> Result<Secret, getrandom::Error> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes)?;
    Ok(Secret(format!("dwx_{}", hex::encode(bytes))))
}

/// 160 bits: an invite is a one-time login.
pub fn new_code() -> Result<Secret, getrandom::Error> {
    let mut bytes = [0_u8; 20];
    getrandom::fill(&mut bytes)?;
    Ok(Secret(hex::encode(bytes)))
}

/// Wrong codes per address, in the memory of this process. Never a lock of an account: nobody can shut somebody else out.
pub struct Throttle {
    tries: usize,
    window: Duration,
    failed: Mutex<HashMap<IpAddr, Vec<Instant>>>,
}

/// Addresses remembered at most; beyond it the oldest are forgotten.
const ADDRESSES_MAX: usize = 16_384;

/// One IPv6 customer has a /64 of addresses: they count as one.
pub fn customer(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        v4 => v4,
    }
}

impl Throttle {
    pub fn new(tries: usize, window: Duration) -> Self {
        Self { tries, window, failed: Mutex::default() }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<IpAddr, Vec<Instant>>> {
        self.failed.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Seconds to wait, where the address has used up its tries.
    pub fn wait_s(&self, address: IpAddr, now: Instant) -> Option<u64> {
        let mut failed = self.lock();
        let times = failed.get_mut(&customer(address))?;
        times.retain(|at| now.duration_since(*at) < self.window);
        if times.len() < self.tries {
            return None;
        }
        let free_again = times.first().map_or(self.window, |first| self.window - now.duration_since(*first));
        Some(free_again.as_secs().max(1))
    }

    pub fn failed(&self, address: IpAddr, now: Instant) {
        let mut failed = self.lock();
        if failed.len() >= ADDRESSES_MAX {
            failed.retain(|_, times| times.last().is_some_and(|at| now.duration_since(*at) < self.window));
            if failed.len() >= ADDRESSES_MAX
                && let Some(oldest) = failed.iter().min_by_key(|(_, times)| times.last()).map(|(ip, _)| *ip)
            {
                failed.remove(&oldest);
            }
        }
        let times = failed.entry(customer(address)).or_default();
        if times.len() < self.tries {
            times.push(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_wrong_codes_close_the_address_for_a_while() {
        let throttle = Throttle::new(10, Duration::from_secs(900));
        let (start, here): (_, IpAddr) = (Instant::now(), "192.0.2.7".parse().unwrap());
        for n in 0..10 {
            assert_eq!(throttle.wait_s(here, start), None, "try {n}");
            throttle.failed(here, start);
        }
        assert_eq!(throttle.wait_s(here, start), Some(900));
        assert_eq!(throttle.wait_s("192.0.2.8".parse().unwrap(), start), None, "a neighbour is free");
        assert_eq!(throttle.wait_s(here, start + Duration::from_secs(901)), None);
    }

    #[test]
    fn a_customer_of_ipv6_is_one_address() {
        let throttle = Throttle::new(1, Duration::from_secs(900));
        let now = Instant::now();
        throttle.failed("2001:db8::1".parse().unwrap(), now);
        assert!(throttle.wait_s("2001:db8::ffff".parse().unwrap(), now).is_some());
        assert!(throttle.wait_s("2001:db8:0:1::1".parse().unwrap(), now).is_none());
    }

    #[test]
    fn tokens_are_long_and_never_the_same() {
        let (a, b) = (new_token().unwrap(), new_token().unwrap());
        assert!(a.reveal().starts_with("dwx_") && a.reveal().len() == 68);
        assert_ne!(a.hash(), b.hash());
        assert_eq!(new_code().unwrap().reveal().len(), 40);
    }
}
