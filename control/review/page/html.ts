/**
 * HTML by one tagged template: whatever is put into it is text, and is escaped. Only what the template itself made goes in as it is, so a
 * value can be forgotten nowhere. Attributes are quoted in the templates, and the same escaping holds in them.
 */
import { visible } from "../../base/text.js";

export class Html {
  constructor(readonly text: string) {}
}

export type Value = string | number | undefined | Html | readonly Value[];

const SIGNS: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};
const escapeSigns = (text: string): string => text.replace(/[&<>"']/g, (sign) => SIGNS[sign] ?? "");

const PLAIN = /^[\x20-\x7e]*$/;

/** Nothing in it is markup, and nothing is invisible or changes the direction of what stands beside it. */
const shown = (text: string): string => escapeSigns(PLAIN.test(text) ? text : visible(text));

function render(value: Value): string {
  if (value === undefined) return "";
  if (typeof value === "string") return shown(value);
  if (typeof value === "number") return String(value);
  return value instanceof Html ? value.text : value.map(render).join("");
}

export function html(parts: TemplateStringsArray, ...values: readonly Value[]): Html {
  let text = parts[0] ?? "";
  values.forEach((value, i) => {
    text += render(value) + (parts[i + 1] ?? "");
  });
  return new Html(text);
}

export const join = (values: readonly Value[], between: Value): Html =>
  new Html(values.map(render).join(render(between)));

/** More is folded away behind its beginning: one text never takes the page. */
const LONG = 400;
const BEGINNING = 160;

/** Text from outside within a line of ours: its own direction stays its own. */
export function data(text: string): Html {
  if (text.length <= LONG) return html`<bdi>${text}</bdi>`;
  const characters = Array.from(text);
  const beginning = characters.slice(0, BEGINNING).join("");
  return html`<details class="long"><summary><bdi>${beginning}</bdi>… <span class="quiet">(${characters.length} characters)</span></summary><bdi>${text}</bdi></details>`;
}

export const code = (text: string): Html => html`<code>${data(text)}</code>`;

/** Text that a person wrote: its lines stay lines. */
export const prose = (text: string): Html =>
  html`<div class="prose">${text.split(/\r?\n/).map((line) => html`<p>${data(line)}</p>`)}</div>`;

/** Text whose lines are to be copied as they are. */
export const block = (text: string): Html => join(text.replace(/\n$/, "").split("\n"), new Html("\n"));
