/** The frame of every page: policy, landmarks, the one style sheet. */
import { Html, html, type Value } from "./html.js";
import { style, styleHash } from "./style.js";

/**
 * Nothing is loaded, run, sent or framed. What a page may not say in itself (`frame-ancestors`) is said by the server's header.
 */
export const POLICY = `default-src 'none'; style-src '${styleHash}'; base-uri 'none'; form-action 'none'`;

export interface Place {
  /** Milliseconds since 1970: by it is said what is late. */
  readonly now: number;
  /** The ledger as it was named to the command. */
  readonly ledger: string;
  /** Its key, as it was named; for the commands that the page shows. */
  readonly key: string | undefined;
  /** Its anchors, likewise. */
  readonly anchors: readonly string[];
  /** Served pages link to each other. One file stands alone. */
  readonly isServed: boolean;
}

interface Page {
  readonly title: string;
  /** Name of the log; undefined where no log stands behind the page. */
  readonly origin: string | undefined;
  readonly place: Pick<Place, "isServed">;
  /** What stands alone. */
  readonly kind?: string;
  readonly main: Value;
  readonly foot: Value;
}

const home = (isServed: boolean, kind: string): Html =>
  isServed ? html`<a href="/">All reviews</a>` : html`<span>${kind}</span>`;

export function page({ title, origin, place, kind = "Review", main, foot }: Page): string {
  const sheet = new Html(style);
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="content-security-policy" content="${POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="robots" content="noindex">
<title>${title}</title>
<style>${sheet}</style>
</head>
<body>
<a class="skip" href="#main">Skip to the content</a>
<header><div class="wide"><b>Glassgate</b> ${home(place.isServed, kind)}${origin === undefined ? undefined : html`<span class="origin">Ledger <bdi>${origin}</bdi></span>`}</div></header>
<main id="main" tabindex="-1">
${main}
</main>
<footer><div class="wide">${foot}</div></footer>
</body>
</html>
`.text;
}
