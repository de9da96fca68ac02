//! A block of IP addresses, as `cidr` names it.

use std::net::IpAddr;

#[derive(Clone, Copy, Debug)]
pub(super) struct Addresses {
    base: IpAddr,
    /// How many of the last bits may differ from the base.
    free_bits: u32,
}

impl Addresses {
    /// `None` if it is not a block. EventBridge does not take a block of a single address. (aws/event-ruler,
    /// CIDR.java.)
    pub(super) fn parse(cidr: &str) -> Option<Addresses> {
        let (base, fixed_bits) = cidr.split_once('/')?;
        let base: IpAddr = base.parse().ok()?;
        let (_, length) = bits(base);
        let free_bits = length.checked_sub(fixed_bits.parse().ok()?)?;
        (free_bits > 0).then_some(Addresses { base, free_bits })
    }

    pub(super) fn contain(self, address: IpAddr) -> bool {
        let ((base, length), (address, same)) = (bits(self.base), bits(address));
        // All 128 bits of an IPv6 address may be free, and a shift by 128 is none.
        length == same && (base ^ address).checked_shr(self.free_bits).unwrap_or(0) == 0
    }
}

/// The address as a number, and how many bits it has.
fn bits(address: IpAddr) -> (u128, u32) {
    match address {
        IpAddr::V4(address) => (address.to_bits().into(), 32),
        IpAddr::V6(address) => (address.to_bits(), 128),
    }
}
