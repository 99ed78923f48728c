//! What is said on objects, as Kubernetes Events.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use suture_cluster::live::Connection;
use suture_cluster::live::events::{EventWriter, Note};
use suture_cluster::live::lease::{self, Tenure};
use suture_core::Clock;
use suture_engine::progress::Listeners;
use suture_engine::{Announcement, Announcer, announce};

/// How long one Event may take to be written.
const PATIENCE: Duration = Duration::from_secs(10);
/// Write Events of what a host tells its listeners, for as long as it does. Once the tenure
/// is over nothing more is said, either.
pub(crate) fn write(
    connection: &Connection,
    clock: Arc<dyn Clock>,
    listeners: &Listeners,
    tenure: Option<Tenure>,
) {
    let writer = EventWriter::new(connection.client.clone(), &lease::identity(&*clock));
    tokio::spawn(announce::announce(listeners.subscribe(), Arc::new(Events { writer, clock, tenure })));
}

struct Events {
    writer: EventWriter,
    clock: Arc<dyn Clock>,
    tenure: Option<Tenure>,
}

#[async_trait]
impl Announcer for Events {
    async fn announce(&self, announcement: &Announcement) -> Result<(), String> {
        let Announcement { about, uid, warning, reason, action, note } = announcement;
        let note = Note { about, uid: uid.as_deref(), warning: *warning, reason, action, text: note };
        let writing = self.clock.timeout(PATIENCE, self.writer.write(note, &*self.clock));
        let written = match &self.tenure {
            None => writing.await,
            Some(tenure) => {
                tenure.within(writing).await.ok_or("this host does not hold the lease any more")?
            }
        };
        match written {
            Some(written) => written.map_err(|error| error.to_string()),
            None => Err(format!("no answer within {} s", PATIENCE.as_secs())),
        }
    }
}
