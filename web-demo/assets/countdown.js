/**
 * What a countdown shows, computed from its deadline alone. Nobody sends ticks: a page opened in the
 * middle shows the same label as one that was there from the start.
 */

/** One step of the labels. */
const STEP_MS = 1000;

/**
 * Returns the label to show, or null while the deadline is further away than there are labels.
 * The last label is the one shown from the deadline on.
 * @param {Pick<Wire.Countdown, "open_at" | "labels">} countdown
 * @param {number} now room time
 * @returns {string | null}
 */
export function labelAt(countdown, now) {
  const from = countdown.labels.length - 1;
  const steps = Math.max(0, Math.ceil((countdown.open_at - now) / STEP_MS));
  return steps > from ? null : (countdown.labels[from - steps] ?? null);
}

/**
 * Returns how long to wait until the label changes, or null when it will not change again.
 * @param {Pick<Wire.Countdown, "open_at">} countdown
 * @param {number} now room time
 * @returns {number | null}
 */
export function nextFlip(countdown, now) {
  const rest = countdown.open_at - now;
  if (rest <= 0) return null;
  return rest - (Math.ceil(rest / STEP_MS) - 1) * STEP_MS;
}

/**
 * Returns the sale's state as this page may show it before the server's event is here. It opens and
 * closes by itself; only the server turns an order down.
 * @param {Pick<Wire.Sale, "state" | "open_at" | "close_at" | "left">} sale
 * @param {number} now room time
 * @returns {Wire.SaleState}
 */
export function saleStateAt(sale, now) {
  if (sale.state === "cancelled" || sale.state === "closed" || sale.state === "sold_out") return sale.state;
  if (now >= sale.close_at) return "closed";
  if (now < sale.open_at) return "counting";
  if (sale.state === "paused") return "paused";
  return sale.left > 0 ? "open" : "sold_out";
}

/**
 * Returns which moment a battle is running towards, or null when none.
 * @param {Pick<Wire.Battle, "state" | "start_at" | "end_at">} battle
 * @param {Pick<Wire.Countdown, "kind" | "open_at" | "state">[]} countdowns
 * @returns {{kind: Wire.CountdownKind, at: number} | null}
 */
export function battleDeadline(battle, countdowns) {
  if (battle.state === "preparing" && battle.start_at !== null) return { kind: "pk_start", at: battle.start_at };
  if (battle.state === "battling" && battle.end_at !== null) return { kind: "pk_end", at: battle.end_at };
  if (battle.state === "punishing") {
    const punish = countdowns.find((countdown) => countdown.kind === "punish" && countdown.state === "counting");
    if (punish) return { kind: "punish", at: punish.open_at };
  }
  return null;
}

/**
 * Writes a rest as minutes and seconds; a started second still counts.
 * @param {number} restMs
 */
export function clockText(restMs) {
  const seconds = Math.max(0, Math.ceil(restMs / 1000));
  return `${String(Math.floor(seconds / 60)).padStart(2, "0")}:${String(seconds % 60).padStart(2, "0")}`;
}
