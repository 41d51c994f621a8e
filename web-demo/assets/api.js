/** The page of the API: reads the server's own document, and lets whoever has a token try each request. */

import { example } from "./api-example.js";
import { byId, el } from "./ui/dom.js";

/**
 * @typedef {import("./api-example.js").Schema} Schema
 * @typedef {{name: string, in: "path" | "query" | "header", required: boolean, schema: Schema}} Parameter
 * @typedef {{operationId: string, summary: string, parameters: Parameter[], security: object[], requestBody?: {required: boolean, content: Record<string, {schema: Schema}>}}} Operation
 * @typedef {{paths: Record<string, Record<string, Operation>>, components: {schemas: Record<string, Schema>}}} Document
 */

const field = (/** @type {string} */ id) => /** @type {HTMLInputElement} */ (byId(id));

async function show() {
  /** @type {Document} */
  const described = await (await fetch("/v1/openapi.json")).json();
  /** @type {Map<string, HTMLElement[]>} */
  const groups = new Map();
  for (const [path, operations] of Object.entries(described.paths)) {
    for (const [method, operation] of Object.entries(operations)) {
      const name = path.match(/^\/v1\/rooms\/\{room\}\/([^/]+)/)?.[1] ?? path.split("/")[2] ?? path;
      groups.set(name, [...(groups.get(name) ?? []), entry(method, path, operation, described)]);
    }
  }
  const sections = [...groups].sort(([a], [b]) => a.localeCompare(b)).map(([name, entries]) => el("section", {}, el("h2", {}, name), ...entries));
  byId("operations").replaceChildren(...sections);
  byId("operations").setAttribute("aria-busy", "false");
}

/**
 * @param {string} method
 * @param {string} path
 * @param {Operation} operation
 * @param {Document} described
 */
function entry(method, path, operation, described) {
  const request = el("div", { class: "request" });
  const details = el("details", { "data-testid": `api-${operation.operationId}`, "data-words": `${method} ${path} ${operation.summary} ${operation.operationId}`.toLowerCase() },
    el("summary", {}, el("b", { class: "method" }, method), el("code", {}, path), el("span", {}, operation.summary)), request);
  // Nobody opens them all, so each is made when it is opened.
  details.addEventListener("toggle", () => {
    if (request.childElementCount === 0) request.append(...form(method, path, operation, described));
  });
  return details;
}

/**
 * @param {string} method
 * @param {string} path
 * @param {Operation} operation
 * @param {Document} described
 */
function form(method, path, operation, described) {
  const inputs = operation.parameters.map((parameter) => {
    const input = /** @type {HTMLInputElement} */ (el("input", { autocomplete: "off", "data-testid": `${operation.operationId}-${parameter.name}` }));
    if (parameter.name === "room") input.value = field("room").value;
    return { parameter, input };
  });
  const [type, content] = Object.entries(operation.requestBody?.content ?? {})[0] ?? [];
  const body = /** @type {HTMLTextAreaElement} */ (el("textarea", { spellcheck: "false", "aria-label": type ?? "", "data-testid": `${operation.operationId}-body` }));
  if (content) body.value = type === "application/json" ? JSON.stringify(example(content.schema, described.components.schemas), null, 2) : "";
  const answer = el("pre", { "data-testid": `${operation.operationId}-answer` });
  answer.hidden = true;
  const send = el("button", { class: "button primary", type: "button", "data-testid": `${operation.operationId}-send` }, "发送 Send");
  send.addEventListener("click", async () => {
    answer.hidden = false;
    answer.textContent = "…";
    answer.textContent = await ask(method, path, inputs, type ? { type, text: body.value } : null).catch((error) => String(error));
  });
  const labels = inputs.map(({ parameter, input }) => el("label", { class: "field" }, `${parameter.name}${parameter.required ? " *" : ""} (${parameter.in})`, input));
  return [...labels, ...(content ? [body] : []), send, answer];
}

/**
 * @param {string} method
 * @param {string} path
 * @param {{parameter: Parameter, input: HTMLInputElement}[]} inputs
 * @param {{type: string, text: string} | null} body
 */
async function ask(method, path, inputs, body) {
  /** @type {Record<string, string>} */
  const headers = {};
  const token = field("token").value.trim().replace(/^bearer /i, "");
  if (token) headers.Authorization = `Bearer ${token}`;
  if (body?.text.trim()) headers["Content-Type"] = body.type;
  const query = new URLSearchParams();
  let to = path;
  for (const { parameter, input } of inputs) {
    if (parameter.in === "path") to = to.replace(`{${parameter.name}}`, encodeURIComponent(input.value));
    else if (input.value && parameter.in === "query") query.set(parameter.name, input.value);
    else if (input.value) headers[parameter.name] = input.value;
  }
  const url = query.size > 0 ? `${to}?${query}` : to;
  const response = await fetch(url, { method: method.toUpperCase(), headers, body: body?.text.trim() ? body.text : null, cache: "no-store" });
  const kind = response.headers.get("content-type") ?? "";
  const said = kind.startsWith("image/") ? `(${(await response.blob()).size} bytes of ${kind})` : await response.text();
  return `${response.status} ${response.statusText}\n${kind.includes("json") && said ? JSON.stringify(JSON.parse(said), null, 2) : said}`;
}

byId("filter").addEventListener("input", () => {
  const wanted = field("filter").value.trim().toLowerCase();
  for (const details of document.querySelectorAll("details")) details.hidden = !(details.dataset.words ?? "").includes(wanted);
  for (const section of document.querySelectorAll("section")) section.hidden = !section.querySelector("details:not([hidden])");
});
byId("who").addEventListener("submit", (event) => event.preventDefault());
void show();
