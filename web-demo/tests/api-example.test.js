// Goal: the API's page offers a body that has what must be there. Method: schemas as the server's document has them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { example } from "../assets/api-example.js";

test("an example has every field that must be there and no other", () => {
  const schema = { type: "object", required: ["room", "qty", "how"], properties: { room: { type: "string" }, title: { type: "string" }, qty: { type: "integer", minimum: 1 }, how: { enum: ["even", "random"] } } };
  assert.deepEqual(example(schema, {}), { room: "", qty: 1, how: "even" });
});

test("references are followed, choices take the first, and what holds itself ends", () => {
  const named = { Node: { type: "object", required: ["next", "t"], properties: { next: { $ref: "#/components/schemas/Node" }, t: { oneOf: [{ const: "a" }, { const: "b" }] } } } };
  const made = /** @type {any} */ (example({ $ref: "#/components/schemas/Node" }, named));
  assert.equal(made.t, "a");
  assert.equal(made.next.t, "a");
  assert.ok(JSON.stringify(made).length < 1_000);
});
