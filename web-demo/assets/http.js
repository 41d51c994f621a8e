/** JSON over HTTP with the room's token; an error carries the server's code. */

import { Refused } from "./protocol/session.js";

/**
 * @param {import("./token.js").Tokens | null} tokens
 * @param {string} method
 * @param {string} path
 * @param {object} [body]
 * @returns {Promise<any>} the answer's JSON, or null when it has none
 */
export async function call(tokens, method, path, body) {
  /** @type {Record<string, string>} */
  const headers = {};
  if (tokens) headers.Authorization = `Bearer ${await tokens.get()}`;
  if (body) headers["Content-Type"] = "application/json";

  const response = await fetch(path, { method, headers, body: body ? JSON.stringify(body) : null, cache: "no-store" });
  const text = await response.text();
  if (!response.ok) throw refusal(response.status, text);
  return text ? JSON.parse(text) : null;
}

/**
 * @param {number} status
 * @param {string} text
 */
export function refusal(status, text) {
  try {
    const { code, message } = JSON.parse(text);
    if (typeof code === "string") return new Refused(code, message);
  } catch {
    // Not one of our errors: a proxy's page perhaps.
  }
  return new Refused(`HTTP_${status}`, `HTTP ${status}`);
}
