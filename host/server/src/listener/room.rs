//! Who has a connection, and whose gives way where there are too many.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use parking_lot::Mutex;
use suture_core::Clock;
use tokio::sync::Notify;

use super::activity::Activity;
use super::limits::Limits;

/// The connections of a listener. There is always room for a new one, as long as some older
/// one has nothing to do but wait for its client: that one goes. So whoever opens connections
/// and does nothing with them, or never takes an answer, keeps nobody out.
pub(super) struct Room {
    limits: Limits,
    clock: Arc<dyn Clock>,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    next: u64,
    connections: HashMap<u64, Held>,
    of_peer: HashMap<IpAddr, usize>,
}

struct Held {
    peer: IpAddr,
    activity: Arc<Activity>,
    evicted: Arc<Notify>,
}

/// A connection's place. It is free again once this is dropped.
pub(super) struct Place {
    id: u64,
    room: Arc<Room>,
    evicted: Arc<Notify>,
    /// What the connection does.
    pub activity: Arc<Activity>,
}

/// Where a new connection goes.
pub(super) struct Admitted {
    pub place: Place,
    /// Another one had to go for it.
    pub is_instead: bool,
}

impl Room {
    pub fn new(limits: Limits, clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self { limits, clock, inner: Mutex::default() })
    }

    /// Admit a connection from an address; `None` where each of the others is being served.
    pub fn admit(self: &Arc<Self>, address: IpAddr) -> Option<Admitted> {
        let peer = peer(address);
        let mut inner = self.inner.lock();
        let mut is_instead = false;
        if inner.of_peer.get(&peer).copied().unwrap_or_default() >= self.limits.peer {
            inner.evict(|held| held.peer == peer)?;
            is_instead = true;
        }
        if inner.connections.len() >= self.limits.all {
            inner.evict(|_| true)?;
            is_instead = true;
        }
        let (activity, evicted) = (Arc::new(Activity::new(self.clock.clone())), Arc::new(Notify::new()));
        let id = inner.next;
        inner.next += 1;
        inner.connections.insert(id, Held { peer, activity: activity.clone(), evicted: evicted.clone() });
        *inner.of_peer.entry(peer).or_default() += 1;
        Some(Admitted { place: Place { id, room: self.clone(), evicted, activity }, is_instead })
    }

    /// Make a connection go that has nothing to do, if there is one.
    pub fn evict_one(&self) -> bool {
        self.inner.lock().evict(|_| true).is_some()
    }
}

impl Inner {
    /// Of those that wait for their clients: first who never showed a token, then who waits
    /// longest.
    fn evict(&mut self, is_meant: impl Fn(&Held) -> bool) -> Option<()> {
        let candidates = self.connections.iter().filter(|(_, held)| is_meant(held));
        let (id, _) = candidates
            .filter_map(|(id, held)| Some((*id, held.activity.idleness()?)))
            .min_by_key(|(id, idleness)| (*idleness, *id))?;
        self.remove(id)?.evicted.notify_one();
        Some(())
    }

    fn remove(&mut self, id: u64) -> Option<Held> {
        let held = self.connections.remove(&id)?;
        if let Some(count) = self.of_peer.get_mut(&held.peer) {
            *count -= 1;
            if *count == 0 {
                self.of_peer.remove(&held.peer);
            }
        }
        Some(held)
    }
}

impl Place {
    /// Ends when the connection must go.
    pub async fn evicted(&self) {
        self.evicted.notified().await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.room.inner.lock().remove(self.id);
    }
}

/// What counts as one peer: whoever has one address of IPv6 mostly has 2⁶⁴.
pub(super) fn peer(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;
    use suture_core::RealClock;

    use super::*;

    const PROXY: &str = "192.0.2.1";

    fn room(all: usize, peer: usize) -> Arc<Room> {
        Room::new(Limits { all, peer }, Arc::new(RealClock))
    }

    fn admit(room: &Arc<Room>, address: &str) -> Option<Place> {
        room.admit(address.parse().unwrap()).map(|admitted| admitted.place)
    }

    fn is_evicted(place: &Place) -> bool {
        place.evicted().now_or_never().is_some()
    }

    #[test]
    fn who_waits_longest_gives_way_and_who_showed_a_token_is_the_last_to() {
        let room = room(8, 3);
        let known = admit(&room, PROXY).unwrap();
        known.activity.trust();
        let first = admit(&room, PROXY).unwrap();
        let second = admit(&room, PROXY).unwrap();
        let third = admit(&room, PROXY).unwrap();
        assert!(is_evicted(&first) && !is_evicted(&second));
        let fourth = admit(&room, PROXY).unwrap();
        assert!(is_evicted(&second) && !is_evicted(&known));
        drop((third, fourth));
    }

    #[test]
    fn who_is_being_served_does_not_give_way() {
        let room = room(2, 2);
        let (first, second) = (admit(&room, PROXY).unwrap(), admit(&room, PROXY).unwrap());
        let (serving, also) = (first.activity.clone().serve(), second.activity.clone().serve());
        assert!(admit(&room, PROXY).is_none() && admit(&room, "192.0.2.2").is_none());
        drop(serving);
        assert!(admit(&room, PROXY).is_some() && is_evicted(&first));
        drop(also);
    }

    #[test]
    fn one_peer_takes_no_more_than_its_part_however_many_addresses_it_has_in_ipv6() {
        let room = room(4, 2);
        let first = admit(&room, "2001:db8::1").unwrap();
        let second = admit(&room, "2001:db8::2").unwrap();
        let other = admit(&room, "2001:db8:0:1::1").unwrap();
        let third = admit(&room, "2001:db8::3").unwrap();
        assert!(is_evicted(&first) && !is_evicted(&second) && !is_evicted(&other));
        let v4 = admit(&room, "::ffff:192.0.2.1").unwrap();
        assert_eq!(room.inner.lock().of_peer[&PROXY.parse::<IpAddr>().unwrap()], 1);
        drop((third, v4));
    }

    #[test]
    fn a_place_is_free_once_its_connection_is_over() {
        let room = room(1, 1);
        let first = admit(&room, PROXY).unwrap();
        let serving = first.activity.clone().serve();
        assert!(admit(&room, PROXY).is_none());
        drop((serving, first));
        assert!(admit(&room, PROXY).is_some());
        assert!(room.inner.lock().of_peer.is_empty());
    }
}
