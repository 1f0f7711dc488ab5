/** A page that has nothing to show: one sentence, and no review that could be taken for a true one. */
import { page } from "./document.js";
import { html } from "./html.js";

export function noticePage(title: string, sentence: string, next: string): string {
  return page({
    title,
    origin: undefined,
    place: { isServed: true },
    main: html`<h1>${title}</h1><p class="lede">${sentence}</p><p>${next}</p>`,
    foot: html`<p>Nothing of the ledger is shown here.</p>`,
  });
}
