// A room member on the event socket: commands with their answers, events in order.
import WebSocket from 'ws';
import { waitFor } from './wait.mjs';

export class Member {
  #socket;
  #waiting = new Map();
  #next = 0;
  /** Every event so far, each with `at` = when it arrived (ms). */
  events = [];
  snapshot = null;
  closed = null;

  /** Connects as `identity` and says hello to `room`. */
  static async join(server, room, identity, role) {
    const member = new Member();
    member.#socket = new WebSocket(`ws://${server.http}/v1/ws?token=${await server.token(room, identity, role)}`);
    member.#socket.on('message', (data) => member.#take(JSON.parse(data)));
    member.#socket.on('close', (code) => { member.closed = code; });
    await new Promise((resolve, reject) => { member.#socket.once('open', resolve); member.#socket.once('error', reject); });
    member.snapshot = await member.send('hello', { room });
    return member;
  }

  /** Sends a command; resolves to the ack's body, rejects with an error whose `code` is the server's. */
  send(t, d = {}) {
    const rid = String(++this.#next);
    this.#socket.send(JSON.stringify({ v: 1, t, rid, d }));
    return new Promise((resolve, reject) => {
      this.#waiting.set(rid, { resolve, reject });
      setTimeout(() => reject(new Error(`no answer to ${t}`)), 10_000).unref();
    });
  }

  /** Sends text as it is. */
  raw(text) { this.#socket.send(text); }

  /** Waits for an event of type `t` that `matches`; earlier ones count unless `after` says how many to skip. */
  event(t, matches = () => true, { after = 0, seconds = 15 } = {}) {
    return waitFor(`event ${t}`, () => this.events.slice(after).find((event) => event.t === t && matches(event.d, event)), { seconds, everyMs: 10 });
  }

  close() { this.#socket.close(); }

  #take(message) {
    const waiting = message.rid && this.#waiting.get(message.rid);
    if (waiting && message.t === 'ack') waiting.resolve(message.d);
    else if (waiting && message.t === 'err') waiting.reject(Object.assign(new Error(message.code), { code: message.code }));
    else if (message.t === 'batch') for (const event of message.d) this.#take(event);
    else this.events.push({ ...message, at: Date.now() });
  }
}
