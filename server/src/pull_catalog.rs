//! Tells the RTMP server which streams there are: a room's program is pulled by the room's name.

use relay_cdn::{BoxFuture, Catalog, Subscription};

use crate::switchboard::Switchboard;

/// The programs of this server, by the names of their rooms.
#[derive(Clone, Debug)]
pub(crate) struct PullCatalog(Switchboard);

impl PullCatalog {
    /// Creates a catalog of the rooms that `switchboard` reaches.
    pub(crate) const fn new(switchboard: Switchboard) -> Self {
        Self(switchboard)
    }
}

impl Catalog for PullCatalog {
    fn open<'a>(&'a self, stream: &'a str) -> BoxFuture<'a, Option<Subscription>> {
        Box::pin(self.0.open_pull(stream.to_owned()))
    }
}
