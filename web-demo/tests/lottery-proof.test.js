/**
 * Goal: a visitor's browser comes to the winners of the server's golden record, and finds any change in it.
 * Method: the fixture that the server's tests and the Python verifier hold, too.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { fileURLToPath } from "node:url";

import { verifyLottery } from "../assets/lottery-proof.js";

const fixtures = JSON.parse(readFileSync(fileURLToPath(new URL("../../wire-format/fixtures/down.json", import.meta.url)), "utf8"));
/** @type {Wire.LotteryRecord} */
const record = fixtures.find(({ name }) => name === "LotteryRecord").message;

test("the golden record is right", async () => {
  const { faults, winners } = await verifyLottery(record);
  assert.deepEqual(faults, []);
  assert.deepEqual(winners, record.winners.map(({ user }) => user));
});

test("no other record is", async () => {
  const [first] = record.winners;
  for (const change of [
    { seed: "08".repeat(32) }, { entries: ["bob", "cara"] }, { entries: ["bob", "cara", "eve"] }, { places: 1 }, { winners: [first] }, { winners: [...record.winners].reverse() },
    { lottery: "another" }, { entries: ["cara", "bob", "dan"] },
  ]) {
    const { faults } = await verifyLottery({ ...record, ...change });
    assert.notDeepEqual(faults, [], JSON.stringify(change));
  }
  assert.notDeepEqual((await verifyLottery(record, "00".repeat(32))).faults, []);
});
