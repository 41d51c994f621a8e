#!/usr/bin/env python3
"""Does the draw of a lottery again, from what the server has published, and says whether it was honest.

    curl -s https://shop.example/v1/rooms/a/lotteries/01K.. | ./verify_lottery.py
    ./verify_lottery.py record.json [commitment]

The record is the answer of GET /v1/rooms/{room}/lotteries/{lottery}. Whoever wrote the commitment down while one
could still enter gives it as well: otherwise it is only known that the record fits itself. Exits with 0 if everything
is as it should be. Uses nothing but Python's own library; the rules are in docs/PROTOCOL.md, section 13.
"""
import hashlib
import hmac
import json
import sys


def verify(record, commitment=None):
    """Returns what is wrong with a record, and who has won."""
    faults = []
    if record["seed"] is None or record["entries_hash"] is None:
        return ["the lottery is not over yet"], []
    seed = bytes.fromhex(record["seed"])
    if hashlib.sha256(seed).hexdigest() != record["commitment"]:
        faults.append("the seed is not the one that was promised")
    if commitment is not None and commitment != record["commitment"]:
        faults.append("the promise is not the one that was made at the beginning")

    entries = record["entries"]
    if entries != sorted(set(entries), key=str.encode):
        faults.append("somebody is on the list twice, or it is not sorted")
    listed = "\n".join(entries) + "|" + str(len(entries))
    entries_hash = hashlib.sha256(listed.encode()).hexdigest()
    if entries_hash != record["entries_hash"] or len(entries) != record["entered"]:
        faults.append("the list is not the one that was closed")

    def rank(entry):
        message = f"{record['lottery']}|{entries_hash}|{entry}"
        return hmac.new(seed, message.encode(), hashlib.sha256).digest()

    winners = sorted(entries, key=rank)[: record["places"]]
    told = [winner["user"] for winner in record["winners"]]
    if record["state"] == "drawn" and told != winners:
        faults.append("the winners are not those whom the seed has chosen")
    if record["state"] == "aborted" and told:
        faults.append("an aborted lottery has no winners")
    return faults, winners


def main():
    path = sys.argv[1] if len(sys.argv) > 1 else "-"
    with sys.stdin if path == "-" else open(path, encoding="utf-8") as source:
        record = json.load(source)
    faults, winners = verify(record, sys.argv[2] if len(sys.argv) > 2 else None)
    verb = "would have won" if record["state"] == "aborted" else "won"
    for place, winner in enumerate(winners, 1):
        print(f"{place}. {winner} {verb}")
    for fault in faults:
        print(f"WRONG: {fault}")
    if not faults:
        print(f"right: {record['state']}, {record['entered']} entered")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
