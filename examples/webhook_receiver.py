#!/usr/bin/env python3
"""Takes webhooks, checks who signed them and that none is missing, and prints them.

  LIANMAI_WEBHOOK_SECRET=... python3 examples/webhook_receiver.py 9300

Standard library only. What the server promises is in docs/WEBHOOKS.md.
"""
import base64
import hashlib
import hmac
import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SECRET = os.environ.get("LIANMAI_WEBHOOK_SECRET", "lianmai-dev-secret-known-to-everybody").encode()
last_seq = {}


def verify(token: str, body: bytes, secret: bytes) -> bool:
    unpad = lambda part: base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    try:
        signed, signature = token.rsplit(".", 1)
        header, payload = (json.loads(unpad(part)) for part in signed.split("."))
        good = hmac.compare_digest(hmac.new(secret, signed.encode(), hashlib.sha256).digest(), unpad(signature))
        fresh = payload["nbf"] <= time.time() < payload["exp"]
        same = payload["sha256"] == base64.b64encode(hashlib.sha256(body).digest()).decode()
        return header["alg"] == "HS256" and good and fresh and same
    except (ValueError, KeyError):
        return False


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(min(int(self.headers.get("content-length", 0)), 1 << 20))
        if not verify(self.headers.get("authorization", ""), body, SECRET):
            return self.answer(401)
        letter = json.loads(body)
        room, seq = letter["room"], letter["seq"]
        if seq <= last_seq.get(room, 0):
            return self.answer(204)  # it came before
        last_seq[room] = seq
        print(f"{room} #{seq} {letter['event']} {json.dumps(letter['data'], ensure_ascii=False)}", flush=True)
        self.answer(204)

    def answer(self, status):
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 9300), Receiver).serve_forever()
