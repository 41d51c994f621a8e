/**
 * Restarting ICE on a session that lives (RFC 9725 section 4.3.3): the words for the PATCH, and the answer
 * made of what came back. Nothing but addresses and passwords changes, so the page, the session and its
 * data channels go on as if nothing had happened.
 */

export const SDP_FRAGMENT = "application/trickle-ice-sdpfrag";

/**
 * Returns the part of an offer that a restart is about: credentials and candidates of the first section,
 * which carries the whole bundle.
 * @param {string} sdp
 */
export function fragmentOf(sdp) {
  const [session = "", first = ""] = sdp.split(/^(?=m=)/m);
  const lines = [
    ...pick(session, ["a=ice-options:", "a=group:"]),
    ...pick(first, ["m=", "a=mid:", "a=ice-ufrag:", "a=ice-pwd:", "a=ice-options:", "a=candidate:", "a=end-of-candidates"]),
  ];
  return lines.map((line) => `${line}\r\n`).join("");
}

/**
 * Returns the answer of before with the server's new credentials and candidates.
 * @param {string} answer
 * @param {string} fragment
 */
export function answerWith(answer, fragment) {
  const [ufrag, password] = ["a=ice-ufrag:", "a=ice-pwd:"].map((name) => pick(fragment, [name])[0]);
  if (!ufrag || !password) throw new Error("the answer to the restart has no credentials");
  const candidates = pick(fragment, ["a=candidate:"]);
  let isFirst = true;
  return answer.split(/^(?=m=)/m).map((section) => {
    const lines = section.split(/\r?\n/).filter((line) => line !== "" && !line.startsWith("a=candidate:"));
    const at = lines.findIndex((line) => line.startsWith("a=ice-ufrag:"));
    if (at >= 0 && isFirst) {
      isFirst = false;
      lines.splice(at, 0, ...candidates);
    }
    return lines.map((line) => {
      if (line.startsWith("a=ice-ufrag:")) return `${ufrag}\r\n`;
      if (line.startsWith("a=ice-pwd:")) return `${password}\r\n`;
      return `${line}\r\n`;
    }).join("");
  }).join("");
}

/**
 * @param {string} text
 * @param {string[]} starts
 */
function pick(text, starts) {
  return text.split(/\r?\n/).filter((line) => starts.some((start) => line.startsWith(start)));
}
