/**
 * Does the draw of a lottery again from what the server has published, in the visitor's own browser; the
 * rules are in docs/PROTOCOL.md, section 13. Pure but for WebCrypto, which needs HTTPS or this machine.
 */

const text = new TextEncoder();

/**
 * Returns what is wrong with a record (nothing, if all is well) and who wins by it.
 * @param {Wire.LotteryRecord} record
 * @param {string} [promised] the commitment as it was told while one could enter
 * @returns {Promise<{faults: string[], winners: string[]}>}
 */
export async function verifyLottery(record, promised = record.commitment) {
  if (record.seed === null || record.entries_hash === null) return { faults: ["还没开奖 · Not drawn yet"], winners: [] };
  const faults = [];
  const seed = bytes(record.seed);
  const commitment = await sha256(seed);
  if (commitment !== record.commitment || commitment !== promised) faults.push("种子和承诺不符 · Not the promised seed");

  const { entries } = record;
  const sorted = [...new Set(entries)].sort((a, b) => (a < b ? -1 : 1));
  if (sorted.length !== entries.length || sorted.some((user, at) => user !== entries[at])) faults.push("名单不整齐 · The list is not in order");
  const list = await sha256(text.encode(`${entries.join("\n")}|${entries.length}`));
  if (list !== record.entries_hash || entries.length !== record.entered) faults.push("名单和封存的不符 · Not the list that was closed");

  const key = await crypto.subtle.importKey("raw", seed, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  const ranked = await Promise.all(entries.map(async (user) => {
    const rank = hex(await crypto.subtle.sign("HMAC", key, text.encode(`${record.lottery}|${list}|${user}`)));
    return { user, rank };
  }));
  ranked.sort((a, b) => (a.rank < b.rank ? -1 : 1));
  const winners = ranked.slice(0, record.places).map(({ user }) => user);
  const told = record.winners.map(({ user }) => user);
  const expected = record.state === "aborted" ? [] : winners;
  if (told.join() !== expected.join()) faults.push("中奖名单不对 · Not the winners of this seed");
  return { faults, winners };
}

/** @param {BufferSource} data */
async function sha256(data) {
  return hex(await crypto.subtle.digest("SHA-256", data));
}

/** @param {ArrayBuffer} buffer */
function hex(buffer) {
  return [...new Uint8Array(buffer)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** @param {string} digits */
function bytes(digits) {
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}
