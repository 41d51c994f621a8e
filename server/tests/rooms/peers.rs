//! Who may see whose media sessions. Time is real here, because the SFU's threads live in it.

use room_rules::{Member, Role};
use serde_json::{Value, json};
use signaling::{MediaId, Refused, RoomHandle, RoomRequest};
use wire_format::{Code, PeerList, encode_peer_report};

use crate::media::{play, publish};
use crate::stage::{Stage, member};

async fn list(room: &RoomHandle, who: &Member) -> PeerList {
    let member = who.clone();
    room.ask(|reply| RoomRequest::ListPeers { member, reply }).await.unwrap()
}

async fn report(room: &RoomHandle, who: &Member, id: MediaId) -> Result<Value, Refused> {
    let member = who.clone();
    let report = room.ask(|reply| RoomRequest::ReportPeer { member, id, reply }).await?;
    Ok(serde_json::from_str(&encode_peer_report(&report)).unwrap())
}

#[tokio::test]
async fn the_host_sees_everyone_and_everyone_else_themselves() {
    let stage = Stage::with_media();
    let host = stage.open("a").await;
    let (vera, walter) = (member("vera", Role::Viewer), member("walter", Role::Viewer));
    let (ada, mo) = (member("ada", Role::Assistant), member("mo", Role::Moderator));
    let hers = play(&host.room, &vera).await.unwrap();
    let published = publish(&host.room, &host.member).await.unwrap();

    let all = list(&host.room, &host.member).await;
    let order: Vec<_> = all.peers.iter().map(|peer| (peer.user.as_str(), peer.role)).collect();
    assert_eq!(order, [("host-a", "host"), ("vera", "viewer")], "publishers first");
    assert_eq!(all.viewers, [("a/program".to_owned(), 1)].into());
    assert_eq!(all.peers[0].publishes.as_deref(), Some("a/host-a"));
    assert_eq!(
        (all.peers[1].plays.as_deref(), &all.peers[1].id),
        (Some("a/program"), &hers.id.to_string())
    );
    assert_eq!(list(&host.room, &ada).await, all);
    for (who, count) in [(&vera, 1), (&walter, 0), (&mo, 0)] {
        assert_eq!(list(&host.room, who).await.peers.len(), count, "{}", who.user);
    }

    for who in [&host.member, &ada, &vera] {
        let told = report(&host.room, who, hers.id).await.unwrap();
        assert_eq!((&told["user"], &told["plays"]), (&json!("vera"), &json!("a/program")));
    }
    for (who, id) in [(&walter, hers.id), (&mo, hers.id), (&vera, published.id)] {
        assert_eq!(report(&host.room, who, id).await.unwrap_err().code, Code::Forbidden);
    }
    let unknown = report(&host.room, &host.member, MediaId::new(1)).await;
    assert_eq!(unknown.unwrap_err().code, Code::NotFound);
}

#[tokio::test]
async fn a_session_that_nobody_has_connected_to_says_so_and_what_it_will_carry() {
    let stage = Stage::with_media();
    let host = stage.open("a").await;
    let vera = member("vera", Role::Viewer);
    let hers = play(&host.room, &vera).await.unwrap();

    let told = report(&host.room, &vera, hers.id).await.unwrap();

    let of = |kind: &str| {
        let stats = told["stats"].as_array().unwrap();
        stats.iter().filter(|stat| stat["type"] == kind).cloned().collect::<Vec<_>>()
    };
    assert_eq!(of("transport")[0]["dtlsState"], "connecting");
    assert_eq!((of("candidate-pair").len(), of("codec").len()), (0, 0));
    let tracks = of("outbound-rtp");
    let kinds: Vec<_> = tracks.iter().map(|track| track["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["audio", "video"]);
    assert!(tracks.iter().all(|track| track["packetsSent"] == 0), "{tracks:?}");
    assert_eq!(tracks[1]["codecId"], Value::Null, "nothing has been sent yet");
}
