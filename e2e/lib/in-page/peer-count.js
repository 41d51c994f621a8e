// Runs in the page before its own scripts: counts peer connections and the offers they make, so that a test can tell a
// renegotiation from a session that simply went on.
(() => {
  const peers = [];
  const Native = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Native {
    constructor(...args) {
      super(...args);
      this.offers = 0;
      peers.push(this);
    }
    createOffer(...args) { this.offers += 1; return super.createOffer(...args); }
    setLocalDescription(description, ...rest) {
      if (!description) this.offers += 1;
      return super.setLocalDescription(description, ...rest);
    }
  };
  /** The publishing connection that is the newest. */
  window.uplink = () => peers.findLast((peer) => peer.getSenders().some((sender) => sender.track));
  /** Publishing connections so far and the offers made on them. */
  window.uplinks = () => peers.filter((peer) => peer.getSenders().some((sender) => sender.track) || peer.wasUplink)
    .map((peer) => { peer.wasUplink = true; return { offers: peer.offers, state: peer.connectionState }; });
})();
