//! Whose bodies are being read: not too many, nor too many bytes of them, and not all of one peer.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;

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

/// Whose bodies are being read. Where there is no place for another, the oldest of the peer that has
/// most gives way, once it has had its second: whoever sends slowly keeps nobody out.
pub(super) struct Readers {
    all: Room,
    peer: Room,
    taken: Mutex<Taken>,
}

struct Taken {
    next: u64,
    all: Room,
    /// By the group of their addresses; whoever has none is one peer.
    peers: HashMap<Option<IpAddr>, Room>,
    readings: HashMap<u64, Held>,
}

struct Held {
    peer: Option<IpAddr>,
    began: Duration,
    bytes: usize,
    evicted: Arc<Notify>,
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
    id: u64,
    peer: Option<IpAddr>,
    evicted: Arc<Notify>,
}

const NOTHING: Room = Room { places: 0, bytes: 0 };
/// How long a body may take while others wait for its place.
const SLOW: Duration = Duration::from_secs(1);

impl Readers {
    /// As much as is given; of which one peer has a quarter at most, or one body.
    pub fn new(all: Room, largest: usize) -> Self {
        let peer = Room { places: (all.places / 4).max(1), bytes: (all.bytes / 4).max(largest) };
        let (peers, readings) = (HashMap::new(), HashMap::new());
        Self { all, peer, taken: Mutex::new(Taken { next: 0, all: NOTHING, peers, readings }) }
    }

    /// Begin to read a body of a peer; `now` is of a clock that only goes forward.
    ///
    /// # Errors
    /// Where there is no place for it.
    pub fn begin(&self, peer: Option<IpAddr>, now: Duration) -> Result<Reading<'_>, Crowded> {
        let mut taken = self.taken.lock();
        if !self.peer.has_place(taken.of(peer)) {
            taken.evict(now, |held| held.peer == peer).ok_or(Crowded::Peer)?;
        }
        if !self.all.has_place(taken.all) {
            let most = taken.peers.iter().max_by_key(|(_, room)| room.places).map(|(peer, _)| *peer);
            taken.evict(now, |held| Some(held.peer) == most).ok_or(Crowded::All)?;
        }
        let (id, evicted) = (taken.next, Arc::new(Notify::new()));
        taken.next += 1;
        taken.all.places += 1;
        taken.peers.entry(peer).or_insert(NOTHING).places += 1;
        taken.readings.insert(id, Held { peer, began: now, bytes: 0, evicted: evicted.clone() });
        Ok(Reading { readers: self, id, peer, evicted })
    }
}

impl Taken {
    fn of(&self, peer: Option<IpAddr>) -> Room {
        self.peers.get(&peer).copied().unwrap_or(NOTHING)
    }

    /// Make the oldest go of those that are meant, and have had their time.
    fn evict(&mut self, now: Duration, is_meant: impl Fn(&Held) -> bool) -> Option<()> {
        let meant = self.readings.iter().filter(|(_, held)| is_meant(held));
        let (id, held) = meant.min_by_key(|(id, held)| (held.began, **id))?;
        if now.saturating_sub(held.began) < SLOW {
            return None;
        }
        held.evicted.notify_one();
        self.remove(*id);
        Some(())
    }

    fn remove(&mut self, id: u64) {
        let Some(Held { peer, bytes, .. }) = self.readings.remove(&id) else { return };
        self.all.places -= 1;
        self.all.bytes -= bytes;
        if let Some(of_peer) = self.peers.get_mut(&peer) {
            of_peer.places -= 1;
            of_peer.bytes -= bytes;
            if of_peer.places == 0 {
                self.peers.remove(&peer);
            }
        }
    }
}

impl Reading<'_> {
    /// Ends when the body must give way to others.
    pub fn evicted(&self) -> impl Future<Output = ()> + use<> {
        let evicted = self.evicted.clone();
        async move { evicted.notified().await }
    }

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
        // One that was evicted holds nothing any more.
        let Some(held) = taken.readings.get_mut(&self.id) else { return Err(Crowded::All) };
        held.bytes += bytes;
        taken.all.bytes += bytes;
        if let Some(of_peer) = taken.peers.get_mut(&self.peer) {
            of_peer.bytes += bytes;
        }
        Ok(())
    }

    fn room(&self, taken: &Taken, bytes: usize) -> Result<(), Crowded> {
        if !self.readers.all.has_bytes(taken.all, bytes) {
            return Err(Crowded::All);
        }
        if self.readers.peer.has_bytes(taken.of(self.peer), bytes) { Ok(()) } else { Err(Crowded::Peer) }
    }
}

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        self.readers.taken.lock().remove(self.id);
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use futures::FutureExt;

    use super::*;

    const NOW: Duration = Duration::from_secs(7);

    fn peer(number: u8) -> Option<IpAddr> {
        Some(Ipv4Addr::new(192, 0, 2, number).into())
    }

    #[test]
    fn one_peer_takes_a_quarter_of_the_places_and_all_together_no_more_than_there_are() {
        let readers = Readers::new(Room { places: 8, bytes: 100 }, 10);
        let first: Vec<_> = (0..2).map(|_| readers.begin(peer(1), NOW).unwrap()).collect();
        assert_eq!(readers.begin(peer(1), NOW).err(), Some(Crowded::Peer));
        let others: Vec<_> = (2..5)
            .flat_map(|number| [number, number])
            .map(|n| readers.begin(peer(n), NOW).unwrap())
            .collect();
        assert_eq!(readers.begin(peer(9), NOW).err(), Some(Crowded::All));
        drop(first);
        assert!(readers.begin(peer(1), NOW).is_ok());
        drop(others);
        let taken = readers.taken.lock();
        assert!(taken.all == NOTHING && taken.peers.is_empty());
    }

    #[test]
    fn one_peer_takes_a_quarter_of_the_bytes_or_one_body() {
        let readers = Readers::new(Room { places: 8, bytes: 100 }, 40);
        let (mut first, mut second) =
            (readers.begin(peer(1), NOW).unwrap(), readers.begin(peer(1), NOW).unwrap());
        assert_eq!(first.take(40), Ok(()));
        assert_eq!((second.has_room(1), second.take(1)), (Err(Crowded::Peer), Err(Crowded::Peer)));
        let (mut third, mut fourth) =
            (readers.begin(peer(2), NOW).unwrap(), readers.begin(peer(3), NOW).unwrap());
        assert_eq!((third.take(40), fourth.take(21), fourth.take(20)), (Ok(()), Err(Crowded::All), Ok(())));
        drop(first);
        assert_eq!(second.take(40), Ok(()));
    }

    #[test]
    fn the_oldest_slow_body_of_whoever_has_most_gives_way() {
        let readers = Readers::new(Room { places: 4, bytes: 100 }, 100);
        let (first, second) = (readers.begin(peer(1), NOW).unwrap(), readers.begin(peer(2), NOW).unwrap());
        let is_evicted = |reading: &Reading<'_>| reading.evicted().now_or_never().is_some();
        let soon = NOW + SLOW / 2;
        assert_eq!(readers.begin(peer(1), soon).err(), Some(Crowded::Peer), "it has not had its second");
        let again = readers.begin(peer(1), NOW + SLOW).unwrap();
        assert!(is_evicted(&first) && !is_evicted(&second));
        let (third, fourth) = (readers.begin(peer(3), NOW).unwrap(), readers.begin(peer(4), NOW).unwrap());
        assert_eq!(readers.begin(peer(5), soon).err(), Some(Crowded::All));
        let fifth = readers.begin(peer(5), NOW + 2 * SLOW).unwrap();
        let evicted = [&second, &again, &third, &fourth].into_iter().filter(|reading| is_evicted(reading));
        assert_eq!(evicted.count(), 1);
        drop((first, second, again, third, fourth, fifth));
        let taken = readers.taken.lock();
        assert!(taken.all == NOTHING && taken.peers.is_empty() && taken.readings.is_empty());
    }
}
