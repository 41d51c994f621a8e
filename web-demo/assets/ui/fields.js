/** Labelled controls for the forms of the studio. */

import { el } from "./dom.js";

/**
 * @param {string} label
 * @param {string} name
 * @param {Record<string, string | number | boolean>} [attributes]
 */
export function field(label, name, attributes = {}) {
  return el("label", { class: "field" }, label, el("input", { name, autocomplete: "off", ...attributes }));
}

/**
 * @param {string} label
 * @param {string} name
 * @param {[string | number, string][]} options  value and words
 * @param {Record<string, string | number | boolean>} [attributes]
 */
export function choice(label, name, options, attributes = {}) {
  return el("label", { class: "field" }, label, el("select", { name, ...attributes }, ...options.map(([value, words]) => el("option", { value }, words))));
}

/**
 * @param {string} label
 * @param {string} name
 * @param {Record<string, string | number | boolean>} [attributes]
 */
export function check(label, name, attributes = {}) {
  return el("label", { class: "layout-switch" }, el("input", { type: "checkbox", name, ...attributes }), label);
}

/**
 * A small button that asks the room for something once it is pressed.
 * @param {string} words
 * @param {string} testId
 * @param {() => unknown} press
 * @param {string} [mood]
 */
export function smallButton(words, testId, press, mood = "") {
  return el("button", { class: `button small ${mood}`, type: "button", "data-testid": testId, onclick: () => void press() }, words);
}
