"""aiortc as a publisher (WHIP), a viewer (WHEP) or a viewer by SRS's JSON, against a running server.

    peer.py publish URL TOKEN            until standard input closes
    peer.py view URL TOKEN FRAMES        until so many pictures are decoded; URL ends in whep, or in /rtc/v1/play/?webrtc://..

Prints one line of JSON when it is over. What surprises: aiortc leaves 127.0.0.1 out of its candidates, and this test stays on
the loopback interface, so its list of addresses is replaced.
"""

import asyncio
import json
import sys
import urllib.request

import aioice.ice
from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.contrib.media import MediaPlayer
from aiortc.mediastreams import MediaStreamError

PATIENCE = 25

aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: ["127.0.0.1"]


def post(url: str, token: str, body: bytes, content_type: str) -> tuple[str, str | None]:
    """Returns the answer's body and its `Location`."""
    headers = {"Content-Type": content_type}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    with urllib.request.urlopen(urllib.request.Request(url, body, headers)) as answer:
        return answer.read().decode(), answer.headers.get("Location")


def ask(url: str, token: str, sdp: str) -> tuple[str, str | None]:
    """Offers by WHIP or WHEP, or as SRS's own player does if the URL carries a stream's address."""
    endpoint, _, stream = url.partition("?webrtc://")
    if not stream:
        return post(url, token, sdp.encode(), "application/sdp")
    body = {"api": endpoint, "tid": "0123abc", "streamurl": f"webrtc://{stream}?token={token}", "clientip": None, "sdp": sdp}
    text, location = post(endpoint, "", json.dumps(body).encode(), "application/json")
    answer = json.loads(text)
    assert answer["code"] == 0 and answer["sessionid"], answer
    return answer["sdp"], location


async def connect(pc: RTCPeerConnection, url: str, token: str) -> str:
    """Negotiates and waits until media can flow; returns the session's address."""
    connected = asyncio.Event()
    pc.on("connectionstatechange", lambda: connected.set() if pc.connectionState == "connected" else None)
    await pc.setLocalDescription(await pc.createOffer())
    answer, location = await asyncio.to_thread(ask, url, token, pc.localDescription.sdp)
    await pc.setRemoteDescription(RTCSessionDescription(answer, "answer"))
    await asyncio.wait_for(connected.wait(), PATIENCE)
    return location


async def end(url: str, token: str, location: str) -> int:
    """Ends the session as RFC 9725 wants it."""
    base = "/".join(url.split("/")[:3])
    request = urllib.request.Request(base + location, method="DELETE", headers={"Authorization": f"Bearer {token}"})
    with await asyncio.to_thread(urllib.request.urlopen, request) as answer:
        return answer.status


async def publish(url: str, token: str) -> dict:
    pc = RTCPeerConnection()
    video = MediaPlayer("testsrc2=size=320x240:rate=20", format="lavfi").video
    audio = MediaPlayer("sine=frequency=440:sample_rate=48000", format="lavfi").audio
    pc.addTransceiver(video, direction="sendonly")
    pc.addTransceiver(audio, direction="sendonly")
    location = await connect(pc, url, token)
    await asyncio.to_thread(sys.stdin.read)
    sent = {s.type + "-" + s.kind: s.packetsSent for s in (await pc.getStats()).values() if s.type == "outbound-rtp"}
    status = await end(url, token, location)
    await pc.close()
    return {"sent": sent, "deleted": status}


async def view(url: str, token: str, frames: int) -> dict:
    pc = RTCPeerConnection()
    pc.addTransceiver("video", direction="recvonly")
    pc.addTransceiver("audio", direction="recvonly")
    seen = {"video": 0, "audio": 0, "width": 0, "height": 0, "shades": 0, "loudest": 0}
    enough = asyncio.Event()

    async def take(track) -> None:
        try:
            while True:
                frame = await track.recv()
                seen[track.kind] += 1
                data = bytes(frame.planes[0])
                if track.kind == "video":
                    seen["width"], seen["height"] = frame.width, frame.height
                    seen["shades"] = len(set(data[::61]))
                else:
                    samples = memoryview(data).cast("h")
                    seen["loudest"] = max(seen["loudest"], max(samples))
                if min(seen["video"], seen["audio"]) >= frames:
                    enough.set()
        except MediaStreamError:
            pass

    tracks = []
    pc.on("track", lambda track: tracks.append(asyncio.ensure_future(take(track))))
    location = await connect(pc, url, token)
    try:
        await asyncio.wait_for(enough.wait(), PATIENCE)
    except asyncio.TimeoutError:
        seen["timeout"] = True
    seen["deleted"] = await end(url, token, location)
    await pc.close()
    return seen


async def main() -> None:
    mode, url, token, *rest = sys.argv[1:]
    result = await (publish(url, token) if mode == "publish" else view(url, token, int(rest[0])))
    print(json.dumps(result), flush=True)


asyncio.run(main())
