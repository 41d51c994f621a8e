//! What a worker does with the TCP connections of its peers.

use super::Worker;
use crate::event::PeerId;
use crate::link::Link;
use crate::route::Route;
use crate::tcp::Arrival;

impl Worker {
    /// Takes over a connection. It stays only if its first frames make it a route of a peer.
    pub(super) fn adopt(&mut self, arrival: Arrival) {
        let from = arrival.from;
        self.drop_stream(Route::Tcp(from));
        if let Err(error) = self.setup.streams.adopt(arrival) {
            tracing::debug!(%error, "A TCP connection could not be taken over.");
        }
        self.take_frames();
        if self.addresses.contains_key(&Route::Tcp(from)) {
            metrics::counter!("sfu_tcp_connections_total").increment(1);
        } else {
            self.setup.streams.close(from);
            metrics::counter!("sfu_tcp_refused_total", "reason" => "not_authentic").increment(1);
        }
    }

    /// Takes what came by TCP. Costs nothing while there are no connections.
    pub(super) fn take_streams(&mut self) {
        if self.setup.streams.len() == 0 {
            return;
        }
        self.setup.streams.receive();
        self.take_frames();
        while let Some(from) = self.setup.streams.poll_closed() {
            self.drop_stream(Route::Tcp(from));
        }
    }

    fn take_frames(&mut self) {
        for at in 0..self.setup.streams.frame_count() {
            let (from, frame) = self.setup.streams.frame(at);
            if self.setup.socket.place(Route::Tcp(from), frame) {
                self.shielded(|worker| worker.handle_datagram(0));
            }
        }
        self.setup.streams.clear_frames();
    }

    /// Tells peers whether their connection takes what is sent.
    pub(super) fn heed_pressure(&mut self) {
        while let Some((from, pressure)) = self.setup.streams.poll_pressure() {
            let route = Route::Tcp(from);
            let owner = self.addresses.get(&route).and_then(|id| self.peers.get_mut(id));
            if let Some(peer) = owner {
                peer.link.handle_pressure(route, pressure);
            }
        }
    }

    /// Forgets how a peer was reached. Its goodbye leaves before its connections are closed.
    pub(super) fn forget_routes(&mut self, id: PeerId, link: &Link) {
        for route in link.routes() {
            if self.addresses.get(&route) != Some(&id) {
                continue;
            }
            self.addresses.remove(&route);
            if matches!(route, Route::Tcp(_)) {
                self.tally.send(&mut self.setup, &mut self.egress);
            }
            self.close_stream(route);
        }
    }

    /// Closes a connection that is no peer's route any more.
    pub(super) fn close_stream(&mut self, route: Route) {
        if let Route::Tcp(from) = route {
            self.setup.streams.close(from);
        }
    }

    /// Forgets a connection that is closed.
    fn drop_stream(&mut self, route: Route) {
        let owner = self.addresses.remove(&route).and_then(|id| self.peers.get_mut(&id));
        if let Some(peer) = owner {
            peer.link.forget(route);
        }
    }
}
