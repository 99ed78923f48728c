//! Whose bodies are being read: not too many, nor too many bytes of them, and not all of one peer.

use std::collections::HashMap;
use std::net::IpAddr;

use parking_lot::Mutex;

/// What bodies may take while they arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Room {
    /// Requests at the same time.
    pub places: usize,
    /// Bytes of their bodies that have arrived.
    pub bytes: usize,
}

impl Room {
    fn has_place(self, taken: Self) -> bool {
        taken.places < self.places
    }

    fn has_bytes(self, taken: Self, more: usize) -> bool {
        self.bytes.saturating_sub(taken.bytes) >= more
    }
}

/// Whose bodies are being read.
pub(super) struct Readers {
    all: Room,
    peer: Room,
    taken: Mutex<Taken>,
}

struct Taken {
    all: Room,
    /// By the group of their addresses; whoever has none is one peer.
    peers: HashMap<Option<IpAddr>, Room>,
}

/// Why there is no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Crowded {
    /// All that there is, is taken.
    All,
    /// The peer has taken what one may.
    Peer,
}

/// A body that is being read. What it takes is free again once this is dropped.
pub(super) struct Reading<'a> {
    readers: &'a Readers,
    peer: Option<IpAddr>,
    bytes: usize,
}

const NOTHING: Room = Room { places: 0, bytes: 0 };

impl Readers {
    /// As much as is given; of which one peer has a quarter at most, or one body.
    pub fn new(all: Room, largest: usize) -> Self {
        let peer = Room { places: (all.places / 4).max(1), bytes: (all.bytes / 4).max(largest) };
        Self { all, peer, taken: Mutex::new(Taken { all: NOTHING, peers: HashMap::new() }) }
    }

    /// Begin to read a body of a peer.
    ///
    /// # Errors
    /// Where there is no place for it.
    pub fn begin(&self, peer: Option<IpAddr>) -> Result<Reading<'_>, Crowded> {
        let mut taken = self.taken.lock();
        if !self.all.has_place(taken.all) {
            return Err(Crowded::All);
        }
        let of_peer = taken.peers.get(&peer).copied().unwrap_or(NOTHING);
        if !self.peer.has_place(of_peer) {
            return Err(Crowded::Peer);
        }
        taken.all.places += 1;
        taken.peers.insert(peer, Room { places: of_peer.places + 1, ..of_peer });
        Ok(Reading { readers: self, peer, bytes: 0 })
    }
}

impl Reading<'_> {
    /// Whether so many bytes could be taken now.
    ///
    /// # Errors
    /// Where they could not.
    pub fn has_room(&self, bytes: usize) -> Result<(), Crowded> {
        self.room(&self.readers.taken.lock(), bytes)
    }

    /// Take more bytes.
    ///
    /// # Errors
    /// Where there is no room for them; then none are taken.
    pub fn take(&mut self, bytes: usize) -> Result<(), Crowded> {
        let mut taken = self.readers.taken.lock();
        self.room(&taken, bytes)?;
        taken.all.bytes += bytes;
        if let Some(of_peer) = taken.peers.get_mut(&self.peer) {
            of_peer.bytes += bytes;
        }
        self.bytes += bytes;
        Ok(())
    }

    fn room(&self, taken: &Taken, bytes: usize) -> Result<(), Crowded> {
        if !self.readers.all.has_bytes(taken.all, bytes) {
            return Err(Crowded::All);
        }
        let of_peer = taken.peers.get(&self.peer).copied().unwrap_or(NOTHING);
        if self.readers.peer.has_bytes(of_peer, bytes) { Ok(()) } else { Err(Crowded::Peer) }
    }
}

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        let mut taken = self.readers.taken.lock();
        taken.all.places -= 1;
        taken.all.bytes -= self.bytes;
        if let Some(of_peer) = taken.peers.get_mut(&self.peer) {
            of_peer.places -= 1;
            of_peer.bytes -= self.bytes;
            if of_peer.places == 0 {
                taken.peers.remove(&self.peer);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn peer(number: u8) -> Option<IpAddr> {
        Some(Ipv4Addr::new(192, 0, 2, number).into())
    }

    #[test]
    fn one_peer_takes_a_quarter_of_the_places_and_all_together_no_more_than_there_are() {
        let readers = Readers::new(Room { places: 8, bytes: 100 }, 10);
        let first: Vec<_> = (0..2).map(|_| readers.begin(peer(1)).unwrap()).collect();
        assert_eq!(readers.begin(peer(1)).err(), Some(Crowded::Peer));
        let others: Vec<_> =
            (2..5).flat_map(|number| [number, number]).map(|n| readers.begin(peer(n)).unwrap()).collect();
        assert_eq!(readers.begin(peer(9)).err(), Some(Crowded::All));
        drop(first);
        assert!(readers.begin(peer(1)).is_ok());
        drop(others);
        let taken = readers.taken.lock();
        assert!(taken.all == NOTHING && taken.peers.is_empty());
    }

    #[test]
    fn one_peer_takes_a_quarter_of_the_bytes_or_one_body() {
        let readers = Readers::new(Room { places: 8, bytes: 100 }, 40);
        let (mut first, mut second) = (readers.begin(peer(1)).unwrap(), readers.begin(peer(1)).unwrap());
        assert_eq!(first.take(40), Ok(()));
        assert_eq!((second.has_room(1), second.take(1)), (Err(Crowded::Peer), Err(Crowded::Peer)));
        let (mut third, mut fourth) = (readers.begin(peer(2)).unwrap(), readers.begin(peer(3)).unwrap());
        assert_eq!((third.take(40), fourth.take(21), fourth.take(20)), (Ok(()), Err(Crowded::All), Ok(())));
        drop(first);
        assert_eq!(second.take(40), Ok(()));
    }
}
