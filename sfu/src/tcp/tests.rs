use super::*;
use std::net::TcpListener;

use crate::route::Route;

/// A connection and its other end.
fn pair() -> (Arrival, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (stream, from) = listener.accept().unwrap();
    (Arrival { stream, from, bytes: vec![0, 3, 1, 2, 3, 0, 2, 4] }, client)
}

fn frames(streams: &mut Streams) -> Vec<Vec<u8>> {
    let all = (0..streams.frame_count()).map(|at| streams.frame(at).1.to_vec()).collect();
    streams.clear_frames();
    all
}

#[test]
fn what_was_read_at_the_door_comes_first_and_a_closed_connection_is_told() {
    let mut streams = Streams::new().unwrap();
    let (arrival, mut client) = pair();
    let from = arrival.from;
    streams.adopt(arrival).unwrap();
    assert_eq!(frames(&mut streams), [vec![1, 2, 3]]);
    client.write_all(&[5, 0, 1, 6]).unwrap();
    let mut seen = Vec::new();
    while seen.len() < 2 {
        streams.receive();
        seen.extend(frames(&mut streams));
    }
    assert_eq!(seen, [vec![4, 5], vec![6]]);
    drop(client);
    while streams.poll_closed() != Some(from) {
        streams.receive();
    }
    assert_eq!(streams.len(), 0);
}

#[test]
fn a_connection_that_does_not_take_it_is_clogged_keeps_little_and_recovers() {
    let mut streams = Streams::new().unwrap();
    let (arrival, mut client) = pair();
    let from = arrival.from;
    streams.adopt(arrival).unwrap();
    let (mut taken, mut dropped, mut clogged) = (0, 0, false);
    // Much more than both kernels' buffers hold.
    for _ in 0..20_000 {
        let mut egress = Egress::new();
        assert!(egress.push(Route::Tcp(from), &[7; 1_200]));
        let sent = streams.send(&egress);
        (taken, dropped) = (taken + sent.taken, dropped + sent.dropped);
        clogged |= streams.poll_pressure() == Some((from, Pressure::Clogged));
        if dropped > 10 {
            break;
        }
    }
    assert!(clogged && dropped > 10, "taken {taken}, dropped {dropped}");

    client.set_nonblocking(true).unwrap();
    let (mut got, mut is_free, mut buffer) = (0, false, vec![0; 1 << 20]);
    while !is_free || got < taken as usize * 1_202 {
        got += client.read(&mut buffer).unwrap_or(0);
        streams.receive();
        is_free |= streams.poll_pressure() == Some((from, Pressure::None));
    }
    assert_eq!(got, taken as usize * 1_202, "whole frames and no more");
}

#[test]
fn nothing_is_sent_to_who_is_not_there() {
    let mut streams = Streams::new().unwrap();
    let mut egress = Egress::new();
    egress.push(Route::Tcp(([127, 0, 0, 1], 9).into()), &[7; 10]);
    assert_eq!(streams.send(&egress), Sent { taken: 0, dropped: 1 });
}
