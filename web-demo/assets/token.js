/**
 * Who this page is. A shop's own page brings `?token=`; under `serve --dev` the server hands out demo
 * tokens, so a bare `/watch?room=a` works on a laptop.
 */

/**
 * @typedef {object} Who
 * @property {string} room
 * @property {string} identity
 * @property {string} name
 * @property {Wire.Role} role
 */

export class Tokens {
  /**
   * @param {Who} who
   * @param {string | null} fixed the token of the page's address, if it has one
   */
  constructor(who, fixed) {
    this.who = who;
    this.fixed = fixed;
    /** @type {Promise<string> | null} */
    this.pending = null;
  }

  /** Returns the token, asking the development endpoint once if the address has none. */
  get() {
    if (this.fixed) return Promise.resolve(this.fixed);
    this.pending ??= this.fetchDev().catch((error) => {
      this.pending = null;
      throw error;
    });
    return this.pending;
  }

  /** Forgets a token the server turned down, so that the next `get` brings a fresh one. */
  refuse() {
    this.pending = null;
    return this.fixed === null;
  }

  /** @returns {Promise<string>} */
  async fetchDev() {
    const { room, identity, name, role } = this.who;
    const query = new URLSearchParams({ room, identity, role, name });
    const response = await fetch(`/v1/dev/token?${query}`, { cache: "no-store" });
    if (!response.ok) throw new Error("这个页面需要 ?token= · This page needs ?token= in its address");
    return (await response.json()).token;
  }
}

/**
 * Reads the page's address. The identity of a visitor without a name stays the same in one tab.
 * @param {URLSearchParams} query
 * @param {Wire.Role} role
 * @returns {Tokens}
 */
export function tokensOf(query, role) {
  const fixed = query.get("token");
  const claims = fixed ? claimsOf(fixed) : null;
  const identity = claims?.sub ?? query.get("identity") ?? visitor(role);
  return new Tokens(
    {
      room: query.get("room") ?? claims?.video?.room ?? "",
      identity,
      name: claims?.name ?? query.get("name") ?? identity,
      role: claims?.role ?? role,
    },
    fixed,
  );
}

/**
 * Reads the claims of a token without checking it: only the server can.
 * @param {string} token
 * @returns {any}
 */
export function claimsOf(token) {
  try {
    const part = (token.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/");
    return JSON.parse(new TextDecoder().decode(Uint8Array.from(atob(part), (char) => char.charCodeAt(0))));
  } catch {
    return null;
  }
}

/** @param {Wire.Role} role */
function visitor(role) {
  const key = `lianmai.${role}`;
  const known = sessionStorage.getItem(key);
  if (known) return known;
  const made = `${role}-${randomId().slice(0, 6)}`;
  sessionStorage.setItem(key, made);
  return made;
}

/** Returns a key nobody else has; `crypto.randomUUID` is missing on plain-HTTP addresses. */
export function randomId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
