/** What the pages make of how much is made of a program's picture (docs/PROTOCOL.md section 14). */

/** The bit rates that the studio offers, in kbit/s, with words for what they are good for. */
const RATES = [[600, "流畅 Smooth"], [1000, "省流 Light"], [1500, "标准 Standard"], [2500, "高清 High"], [4000, "超清 Super"]];

/** @type {Record<string, string>} */
const NAMES = { ld: "流畅 LD", sd: "标清 SD", hd: "高清 HD" };

/** @param {string} name  of a rendition */
export const nameOf = (name) => NAMES[name] ?? name;

/**
 * The bit rates that a host may choose from, the present one among them.
 * @param {Wire.Quality} quality
 * @returns {{kbps: number, name: string}[]}
 */
export function rates({ video_kbps: now, limits }) {
  const offered = RATES.filter(([kbps]) => Number(kbps) >= limits.min_kbps && Number(kbps) <= limits.max_kbps)
    .map(([kbps, name]) => ({ kbps: Number(kbps), name: String(name) }));
  if (!offered.some(({ kbps }) => kbps === now)) offered.push({ kbps: now, name: "自定 Own" });
  return offered.sort((a, b) => a.kbps - b.kbps);
}

/**
 * What a viewer may choose from, by what `PUT .. /layer` calls it; empty if there is but one size.
 * The middle of two sizes is the larger, and of four the third.
 * @param {Wire.Quality | null} quality
 * @returns {{picture: string, name: string}[]}
 */
export function choices(quality) {
  if (!quality || quality.renditions.length === 0) return [];
  const names = [...quality.renditions.map(({ name }) => nameOf(name)), "原画 Full"];
  const middle = names.length > 2 ? [{ picture: "medium", name: names[Math.floor(names.length / 2)] ?? "" }] : [];
  return [
    { picture: "auto", name: "自动 Auto" },
    { picture: "high", name: names.at(-1) ?? "" },
    ...middle,
    { picture: "low", name: names[0] ?? "" },
  ];
}
