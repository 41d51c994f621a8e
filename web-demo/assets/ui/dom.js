/** Small tools for the document. Text always goes in as text, never as markup. */

/**
 * Returns the element with this id, which the page is known to have.
 * @template {HTMLElement} [T=HTMLElement]
 * @param {string} id
 * @returns {T}
 */
export function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no #${id}`);
  return /** @type {T} */ (element);
}

/**
 * Makes an element. `class`, `data-*`, `aria-*` and other attributes go in `attributes`; `on*` are handlers.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, string | number | boolean | EventListener | undefined>} [attributes]
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== undefined) element.setAttribute(name, String(value));
  }
  element.append(...children);
  return element;
}

/**
 * Makes a picture from the page's own sprite.
 * @param {string} name
 */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `/assets/img/icons.svg#${name}`);
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  svg.append(use);
  return svg;
}

/**
 * Sets text only when it changed, so that screen readers and the layout are left alone.
 * @param {Element} element
 * @param {string} text
 */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Tells whether the visitor asked for less movement. */
export function wantsLessMotion() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}

/**
 * Returns a colour for a name: always the same one.
 * @param {string} name
 */
export function hueOf(name) {
  let hash = 0;
  for (const char of name) hash = (Math.imul(hash, 31) + (char.codePointAt(0) ?? 0)) >>> 0;
  // Names that differ in one letter should differ in colour: the golden angle spreads neighbours.
  return Math.round(hash * 137.508) % 360;
}

/**
 * Makes the round picture of someone without a picture.
 * @param {string} name
 */
export function avatar(name) {
  const element = el("span", { class: "avatar", "aria-hidden": "true" }, (Array.from(name)[0] ?? "?").toUpperCase());
  element.style.setProperty("--hue", String(hueOf(name)));
  return element;
}

/**
 * Writes a large number short: 12345 as 1.2w is a shop's habit.
 * @param {number} value
 */
export function short(value) {
  return value < 10_000 ? String(value) : `${(value / 10_000).toFixed(1)}w`;
}

/**
 * Writes money with its sign.
 * @param {number} minor
 * @param {string} [currency]
 */
export function money(minor, currency = "CNY") {
  return currency === "CNY" ? `¥${price(minor)}` : `${currency} ${price(minor)}`;
}

/** @param {number} cents */
export function price(cents) {
  return (cents / 100).toFixed(2);
}
