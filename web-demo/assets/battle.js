/** A battle of two rooms or more, in numbers that the pages draw, and what a host may do about it. Pure. */

/** Nobody's part of the bar is less than this. */
const LEAST = 0.08;

/**
 * Returns the rooms of a battle in the order of the picture with their points and their part of the score bar.
 * @param {Wire.Battle} battle
 * @returns {{room: string, points: number, share: number, isOut: boolean}[]}
 */
export function standing({ rooms, scores, sides }) {
  const isOut = (/** @type {string} */ room) => sides?.some((side) => side.room === room && side.state === "out") ?? false;
  const points = rooms.map((room) => scores[room] ?? 0);
  const all = points.reduce((sum, one) => sum + one, 0);
  const spare = 1 - LEAST * rooms.length;
  return rooms.map((room, at) => {
    const own = points[at] ?? 0;
    return { room, points: own, share: all === 0 ? 1 / rooms.length : LEAST + spare * (own / all), isOut: isOut(room) };
  });
}

/**
 * Returns who gave most to each room that takes part, in the order of the picture.
 * @param {Pick<Wire.Battle, "rooms" | "sides" | "top">} battle
 * @returns {{room: string, name: string, givers: Wire.Giver[]}[]}  the room with its host's name, where that is known
 */
export function supporters({ rooms, sides, top }) {
  const side = (/** @type {string} */ room) => sides?.find((one) => one.room === room);
  const present = rooms.filter((room) => side(room)?.state !== "out");
  return present.map((room) => ({ room, name: side(room)?.name || room, givers: top?.[room] ?? [] }));
}

/**
 * Returns by how much a coin counts now: more in the last seconds, where that was agreed.
 * @param {Pick<Wire.Battle, "rush">} battle
 * @param {number} now room time
 */
export function factorAt({ rush }, now) {
  return rush && now >= rush.from ? rush.factor : 1;
}

/** @typedef {"start" | "cancel" | "end" | "surrender" | "rematch"} Deed */

/** Ends of battles that were fought. */
const FOUGHT = ["time", "surrender", "left"];

/** @param {Wire.BattleResult} result */
export function wasFought({ reason }) {
  return FOUGHT.includes(reason);
}

/** @param {Wire.Battle | null} battle */
export function isOn(battle) {
  return battle !== null && battle.state !== "idle";
}

/**
 * Returns whether a room takes part, by the owner's last word.
 * @param {Wire.Battle} battle
 * @param {string} room
 */
export function sideOf({ sides }, room) {
  return sides?.find((side) => side.room === room)?.state ?? null;
}

/**
 * Returns what the host of `room` may do about a battle now, the likeliest first.
 * @param {Wire.Battle | null} battle
 * @param {string} room
 * @returns {Deed[]}
 */
export function deedsOf(battle, room) {
  if (battle === null || battle.state === "idle") return battle?.result && wasFought(battle.result) ? ["rematch"] : [];
  switch (battle.state) {
    case "inviting": {
      // Whoever was asked answers in the dialog.
      if (battle.rooms[0] !== room) return [];
      const isAwaited = battle.rooms.some((one) => one !== room && sideOf(battle, one) === "in");
      return isAwaited ? ["start", "cancel"] : ["cancel"];
    }
    case "linked":
      return ["start", "end"];
    case "battling":
      return sideOf(battle, room) === "surrendered" ? [] : ["surrender"];
    default:
      return ["end"];
  }
}

/**
 * Returns what invites rooms to a battle.
 * @param {string[]} rooms
 * @param {{seconds: number, punishS: number, rush: string, link: string}} terms  `rush` as `<last seconds>x<factor>` or empty
 */
export function invitationTo(rooms, { seconds, punishS, rush, link }) {
  const [last, factor] = rush.split("x").map(Number);
  return {
    ...(rooms.length === 1 ? { room: rooms[0] } : { rooms }), duration_s: seconds, punish_s: punishS,
    ...(rush === "" ? {} : { rush: { last_s: last, factor } }), ...(link === "battle" ? {} : { link }),
  };
}
