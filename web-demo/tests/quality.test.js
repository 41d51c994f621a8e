// Goal: the pages offer what there is and what is allowed, by the names that the server takes.
import assert from "node:assert/strict";
import { test } from "node:test";
import { choices, rates } from "../assets/quality.js";

const quality = (video_kbps, names) => ({
  video_kbps,
  renditions: names.map((name) => ({ name, width: 360, height: 640, kbps: 400, active: false })),
  limits: { min_kbps: 150, max_kbps: 2500, renditions: ["ld", "sd"] },
});

test("a host is offered what the limits allow, and what is chosen now", () => {
  assert.deepEqual(rates(quality(1500, [])).map(({ kbps }) => kbps), [600, 1000, 1500, 2500]);
  assert.deepEqual(rates(quality(1800, [])).map(({ kbps }) => kbps), [600, 1000, 1500, 1800, 2500]);
});

test("a viewer is offered sizes only where there are several, by the names of the layer API", () => {
  const pictures = (names) => choices(quality(1500, names)).map(({ picture, name }) => `${picture}=${name.split(" ")[1]}`);
  assert.deepEqual(choices(null), []);
  assert.deepEqual(pictures([]), []);
  assert.deepEqual(pictures(["ld"]), ["auto=Auto", "high=Full", "low=LD"]);
  assert.deepEqual(pictures(["ld", "sd"]), ["auto=Auto", "high=Full", "medium=SD", "low=LD"]);
  assert.deepEqual(pictures(["ld", "sd", "hd"]), ["auto=Auto", "high=Full", "medium=HD", "low=LD"]);
});
