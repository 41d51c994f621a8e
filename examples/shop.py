#!/usr/bin/env python3
"""A back end and a shopper in one file: opens a room and a sale over HTTP, joins, chats and orders by WebSocket.

    python3 examples/shop.py http://127.0.0.1:8080

Needs `pip install websockets` and a server that runs with --dev, which gives tokens to whoever asks from this machine.
"""
import asyncio
import json
import sys
import urllib.error
import urllib.request
import uuid

import websockets


class Api:
    """The HTTP side, as one identity."""

    def __init__(self, base, token):
        self.base, self.token = base, token

    @classmethod
    def as_member(cls, base, room, identity, role):
        url = f"{base}/v1/dev/token?room={room}&identity={identity}&role={role}"
        with urllib.request.urlopen(url) as answer:
            return cls(base, json.load(answer)["token"])

    def ask(self, method, path, body=None, key=None):
        """Returns the status and the body; a refusal has a `code` in it (RFC 9457)."""
        headers = {"Authorization": f"Bearer {self.token}"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        if key is not None:
            headers["Idempotency-Key"] = key
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request) as answer:
                text = answer.read()
                return answer.status, json.loads(text) if text else None
        except urllib.error.HTTPError as refused:
            return refused.code, json.load(refused)


# Events that say `must`, and that this client knows: what they take off a screen it never had on one.
KNOWN = {"chat.deleted", "chat.wiped", "question.gone"}


class Session:
    """The WebSocket side: commands with their answers, events in order, and where it was when it broke off."""

    def __init__(self, api, room):
        self.url = api.base.replace("http", "ws", 1) + f"/v1/ws?token={api.token}"
        self.room, self.name, self.q, self.rids, self.events = room, None, {}, 0, []

    async def connect(self):
        self.socket = await websockets.connect(self.url)
        resume = {"resume": {**self.name, "q": self.q}} if self.name else {}
        entered = await self.command("hello", room=self.room, **resume)
        self.name = {"sid": entered["sid"], "epoch": entered["epoch"]}
        if not entered["resumed"]:
            self.q = entered["q"]
        return entered

    async def command(self, t, **d):
        """Sends a message and returns what its ack holds."""
        self.rids += 1
        rid = str(self.rids)
        await self.socket.send(json.dumps({"v": 1, "t": t, "rid": rid, "d": d}))
        answer = await self.until(lambda message: message.get("rid") == rid)
        if answer["t"] == "err":
            raise RuntimeError(answer["code"])
        return answer["d"]

    async def until(self, wanted):
        """Takes messages until one is wanted, and returns that."""
        while True:
            message = json.loads(await asyncio.wait_for(self.socket.recv(), 10))
            for one in message["d"] if message["t"] == "batch" else [message]:
                if one.get("must") and one["t"] not in KNOWN:
                    await self.socket.close(4013, one["t"])
                    raise RuntimeError("this client is too old")
                if "s" in one:
                    self.q[one["s"]] = max(one["q"], self.q.get(one["s"], 0))
                    self.events.append(one)
                if wanted(one):
                    return one


async def main(base):
    host = Api.as_member(base, "py", "hana", "host")
    print("room", host.ask("POST", "/v1/rooms", {"room": "py", "title": "From Python"})[0])
    shopper = Session(Api.as_member(base, "py", "pavel", "viewer"), "py")
    await shopper.connect()
    print("said", (await shopper.command("chat.send", text="你好 from Python"))["id"] != "")

    key = str(uuid.uuid4())
    offer = {"title": "Scarf", "sku": "s-1", "price_cents": 990, "stock": 1, "lead_ms": 2000}
    status, sale = host.ask("POST", "/v1/rooms/py/sales", offer, key)
    again = host.ask("POST", "/v1/rooms/py/sales", offer, key)
    print("sale", status, "and the same again:", again[1] == sale)

    # The connection breaks; the session goes on where it was.
    await shopper.socket.close()
    print("resumed", (await shopper.connect())["resumed"])
    opened = lambda event: event["t"] == "countdown" and event["d"]["state"] == "fired"
    await shopper.until(opened)
    order = await shopper.command("order.place", sale=sale["sale"], qty=1, idem="first")
    print("order", order["seq"], "left", order["stock"])
    late = Api.as_member(base, "py", "lena", "viewer")
    print("too late:", late.ask("POST", "/v1/rooms/py/orders", {"sale": sale["sale"], "qty": 1, "idem": "x"})[1]["code"])


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8080"))
