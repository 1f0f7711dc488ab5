/** The pages' only style sheet. It is named by its hash in the policy, so nothing else can style a page, and no text of a record can. */
import { createHash } from "node:crypto";
import { verdictCodes } from "../../base/verdicts.gen.js";

const places: ReadonlyMap<string, number> = new Map(verdictCodes.map((code, i) => [code, i]));

/** Class of a verdict: by its place in the table, never by its text. The last is for whatever the table does not know. */
export const verdictClass = (verdict: string): number => places.get(verdict) ?? verdictCodes.length;

/** What the list of calls can be narrowed to, by links to `#only-NAME`; a call and a group of calls have it as class `is-NAME`. */
export const facets = [
  "allowed",
  "denied",
  "ended",
  "unanswered",
  ...Array.from({ length: verdictCodes.length + 1 }, (_, i) => `v${i}`),
] as const;

const filters = facets
  .map(
    (name) =>
      `#only-${name}:target~.groups .group:not(.is-${name}),#only-${name}:target~.groups tbody tr:not(.is-${name}){display:none}` +
      `#only-${name}:target~.filters a[href="#only-${name}"]{background:var(--ink);color:var(--paper);border-color:var(--ink)}` +
      `@media print{#only-${name}:target~.filters a:not([href="#only-${name}"]){display:none}}`,
  )
  .join("\n");

export const style = `
:root{color-scheme:light dark;--paper:#fff;--soft:#f6f5f2;--ink:#1b1d21;--quiet:#5b6068;--line:#d9d7d1;--bar:#3d4450;--mark:#ae2012;--mark-soft:#fbeae6;--mono:ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace}
@media (prefers-color-scheme:dark){:root{--paper:#14161a;--soft:#1c1f25;--ink:#e9e8e4;--quiet:#a3a7af;--line:#363a42;--bar:#b9bec8;--mark:#ff8f7d;--mark-soft:#35201d}}
*{box-sizing:border-box}
html{font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;background:var(--paper);color:var(--ink);-webkit-text-size-adjust:100%;scroll-padding-top:1rem}
body{margin:0;overflow-wrap:anywhere}
thead th{overflow-wrap:normal}
.wide,main{max-width:66rem;margin:0 auto;padding:0 1.25rem}
body>header{border-bottom:1px solid var(--line);font-size:.875rem}
body>header .wide{display:flex;flex-wrap:wrap;gap:.25rem 1rem;align-items:baseline;padding-top:.75rem;padding-bottom:.75rem}
body>header b{font-weight:650;letter-spacing:.01em}
body>header .origin{color:var(--quiet);margin-left:auto}
body>footer{border-top:1px solid var(--line);margin-top:3.5rem;color:var(--quiet);font-size:.8125rem}
body>footer .wide{padding-top:1rem;padding-bottom:2rem}
main{padding-top:1.25rem;padding-bottom:1rem}
a{color:inherit;text-decoration-thickness:1px;text-underline-offset:.2em;text-decoration-color:var(--quiet)}
a:hover{text-decoration-color:currentColor;text-decoration-thickness:2px}
:focus-visible{outline:3px solid var(--mark);outline-offset:2px;border-radius:2px}
.skip{position:absolute;left:-99rem}
.skip:focus{left:1rem;top:.5rem;background:var(--paper);padding:.25rem .5rem;z-index:1}
h1{font-size:clamp(1.5rem,1.1rem + 1.8vw,2.125rem);line-height:1.2;font-weight:650;letter-spacing:-.015em;margin:.5rem 0 .75rem;text-wrap:balance}
h2{font-size:1.1875rem;line-height:1.3;font-weight:650;margin:0 0 .875rem}
h3{font-size:1rem;font-weight:650;margin:1.25rem 0 .5rem}
p{margin:.5rem 0}
section{margin-top:2.75rem}
.lede{font-size:1.125rem;line-height:1.5;margin:0 0 .5rem;max-width:46rem}
.quiet{color:var(--quiet)}
.small{font-size:.875rem}
.num{font-variant-numeric:tabular-nums}
.none{font-style:italic;color:var(--quiet)}
bdi,td,dd,li,code{unicode-bidi:isolate}
code,pre,.mono{font-family:var(--mono);font-size:.9em}
.state{display:inline-block;font-size:.8125rem;font-weight:600;border:1px solid var(--line);border-radius:99rem;padding:.1rem .7rem;background:var(--soft);white-space:nowrap}
.state.hot{color:var(--mark);border-color:var(--mark);background:var(--mark-soft)}
.over{display:flex;flex-wrap:wrap;gap:.35rem .75rem;align-items:center;margin-top:.5rem;font-size:.875rem;color:var(--quiet)}
.over .state{color:var(--ink)}.over .state.hot{color:var(--mark)}
nav.parts{display:flex;flex-wrap:wrap;gap:.15rem 1.1rem;font-size:.875rem;margin:1.25rem 0 0;padding:.6rem 0;border-top:1px solid var(--line);border-bottom:1px solid var(--line)}
nav.parts a{padding:.2rem 0}
dl.facts{display:grid;grid-template-columns:minmax(8rem,max-content) minmax(0,1fr);gap:.45rem 1.5rem;margin:0;align-content:start}
dl.facts dt{color:var(--quiet)}
dl.facts dd{margin:0}
.columns{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,24rem),1fr));gap:1.5rem 3rem}
.prose{border-left:2px solid var(--line);padding-left:.9rem;margin:.25rem 0}
.prose p{margin:.15rem 0;min-height:1em}
ul.look,ol.look{list-style:none;margin:0;padding:0}
ul.look>li{border-left:3px solid var(--mark);padding:.35rem 0 .35rem .9rem;margin:.5rem 0}
ul.look.calm>li{border-left:1px solid var(--quiet)}
ul.look>li .small{margin-top:.1rem}
ol.look>li+li{margin-top:.75rem}
ul.checks{list-style:none;margin:0;padding:0}
ul.checks li{padding-left:1.75rem;margin:.4rem 0;position:relative}
ul.checks li::before{content:"✓";content:"✓" / "";position:absolute;left:.15rem;color:var(--quiet);font-weight:700}
ul.checks li.bad::before{content:"!";content:"!" / "";left:.3rem;color:var(--mark)}
ul.checks li.bad strong:first-child{color:var(--mark)}
.box{background:var(--soft);border:1px solid var(--line);border-radius:.5rem;padding:1rem 1.15rem;margin:.75rem 0}
.box>:first-child{margin-top:0}.box>:last-child{margin-bottom:0}
.box.hot{border-color:var(--mark)}
pre{margin:.6rem 0;padding:.75rem .9rem;background:var(--soft);border:1px solid var(--line);border-radius:.4rem;white-space:pre-wrap;overflow-wrap:anywhere;line-height:1.5;-webkit-user-select:all;user-select:all}
.box pre{background:var(--paper)}
details summary{cursor:pointer}
details.long{display:inline}
details.long summary{display:inline}
svg{display:block;width:100%;overflow:visible}
svg text{font:12px system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;fill:var(--quiet)}
svg .lane{fill:var(--ink);font-weight:600}
svg .rail{stroke:var(--line);stroke-width:1}
svg .track{fill:var(--soft);stroke:var(--line)}
svg .bar{fill:var(--bar)}
svg .thin{fill:var(--bar);opacity:.75}
svg .hot{fill:var(--mark)}
svg .ring{fill:var(--paper);stroke:var(--bar);stroke-width:2}
svg .dot{fill:var(--bar);stroke:var(--paper);stroke-width:1.5}
svg .hotline{stroke:var(--mark);stroke-width:2}
svg .rest{fill:none;stroke:var(--quiet);stroke-dasharray:4 3}
figure{margin:0}
figcaption{color:var(--quiet);font-size:.875rem;margin-top:.5rem}
.frame{padding:.25rem 0}
table{border-collapse:collapse;width:100%;font-size:.9rem}
caption{text-align:left;color:var(--quiet);font-size:.875rem;padding:0 0 .4rem}
th{text-align:left;font-weight:600;color:var(--quiet);font-size:.8125rem;border-bottom:1px solid var(--line);padding:.35rem .9rem .35rem 0;vertical-align:bottom}
td{border-bottom:1px solid var(--line);padding:.45rem .9rem .45rem 0;vertical-align:top}
tbody th{color:var(--ink);font-size:inherit;vertical-align:top;padding-top:.45rem}
table.lists th:nth-child(1){width:26%}table.lists th:nth-child(2){width:30%}table.lists th:nth-child(3){width:24%}
table.steps th:nth-child(1){width:11.5rem}table.steps th:nth-child(2),table.steps th:nth-child(3){width:6.5rem}
table.calls th:nth-child(1){width:8rem}table.calls th:nth-child(2){width:9rem}table.calls th:nth-child(4){width:15rem}
td.when,td.num{white-space:nowrap;font-variant-numeric:tabular-nums}
td .sub,th .sub{display:block;color:var(--quiet);font-size:.8125rem;font-weight:400}
.no{color:var(--mark);font-weight:600}
.parts-of{list-style:none;display:flex;flex-wrap:wrap;gap:.35rem .5rem;margin:0;padding:0}
.parts-of li{border:1px solid var(--bar);border-radius:.3rem;padding:.05rem .55rem;max-width:100%}
.parts-of li.never{border:1px dashed var(--mark);color:var(--mark)}
.share{display:grid;grid-template-columns:minmax(0,1fr) auto;gap:.25rem 1rem;align-items:center;margin:.15rem 0 1rem}
.filters{display:flex;flex-wrap:wrap;gap:.4rem;margin:.75rem 0;font-size:.875rem}
.filters a{border:1px solid var(--line);border-radius:99rem;padding:.15rem .75rem;text-decoration:none;background:var(--paper)}
.filters a:hover{border-color:var(--ink)}
.filters .quiet{font-variant-numeric:tabular-nums}
.filters a:hover .quiet{color:inherit}
.jump{font-size:.8125rem;display:flex;flex-wrap:wrap;gap:.1rem .75rem;margin:.5rem 0 1rem;font-variant-numeric:tabular-nums}
.jump a{padding:.15rem 0}
.anchor{display:block;height:0}
.group{margin-top:1.25rem}
.many .group{content-visibility:auto;contain-intrinsic-size:auto 5200px}
.group:target caption,tr:target td{background:var(--mark-soft)}
#no-calls:target~.groups{display:none}
#no-calls:target~.filters a[href="#no-calls"]{background:var(--ink);color:var(--paper);border-color:var(--ink)}
.filters a:is([href]) .quiet{color:inherit;opacity:.8}
${filters}
@media (max-width:44rem){
.share{grid-template-columns:minmax(0,1fr)}
svg .mid{display:none}
dl.facts{grid-template-columns:minmax(0,1fr);gap:0}
dl.facts dt{font-size:.8125rem;margin-top:.6rem}
body>header .origin{margin-left:0;width:100%}
table.cards,table.cards caption,table.cards tbody,table.cards tr,table.cards td,table.cards tbody th{display:block}
table.cards thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
table.cards tr{padding:.6rem 0;border-bottom:1px solid var(--line)}
table.cards td,table.cards tbody th{border:0;padding:.05rem 0}
table.steps tr{display:grid;grid-template-columns:auto minmax(0,1fr);gap:0 .75rem}
table.steps td:nth-child(4){grid-column:1/-1}
table.steps td:nth-child(3){display:none}
table.calls tr{display:grid;grid-template-columns:minmax(0,1fr) auto;gap:.1rem .75rem}
table.calls td.what,table.calls td.then{grid-column:1/-1}
}
@media print{
:root{color-scheme:light;--paper:#fff;--soft:#fff;--ink:#000;--quiet:#444;--line:#bbb;--bar:#333;--mark:#8a1a0e;--mark-soft:#fff}
@page{margin:16mm 14mm}
html{font-size:10.5pt}
nav.parts,nav.filters,nav.jump,.skip,.screen{display:none}
.anchor:target~.filters{display:flex}
.anchor:target~.filters::before{content:"Narrowed before it was printed. Of all calls these alone:"}
#no-calls:target~.filters::before{content:"Printed without the calls."}
#no-calls:target~.filters a{display:none}
main,.wide{max-width:none;padding:0}
section{margin-top:1.5rem}
h2,h3,caption,thead{break-after:avoid}
tr,figure,.box,ul.look>li{break-inside:avoid}
thead{display:table-header-group}
.many .group{content-visibility:visible}
@supports selector(::details-content){
details.long summary{display:none}
details.long::details-content{content-visibility:visible;display:inline}
}
svg .track{fill:#fff}
svg .bar,svg .thin,svg .hot,svg .dot,.state,.parts-of li{print-color-adjust:exact;-webkit-print-color-adjust:exact}
}
`;

export const styleHash = `sha256-${createHash("sha256").update(style).digest("base64")}`;
