/** docs/benchmark.svg: one bar a row, whiskers from quartile to quartile. Readable on light and dark pages. */
import { cpuOf, type Results, type Row } from "./results.js";

const WIDTH = 900;
const LABEL_WIDTH = 400;
const BAR_AREA = WIDTH - LABEL_WIDTH - 90;
const ROW_HEIGHT = 24;
const GROUP_HEIGHT = 30;
const TOP = 62;

const TITLES: Readonly<Record<Row["group"], string>> = {
  base: "Without a filter",
  native: "Native, without break-glass",
  "no grant": "Glassgate, requests without a grant",
  direct: "Glassgate, grants (directly in the chain)",
  composite: "Glassgate, grants (behind the match on the header)",
  whole: "Glassgate, grants (the whole envoy.yaml)",
  calls: "Only host calls of a Wasm filter, nothing checked",
  restricted: "Glassgate, grants that are bound or tied",
  forged: "Glassgate, forged grants",
  ext_authz: "The same decision outside, by ext_authz",
};
const GROUPS: readonly Row["group"][] = [
  "native",
  "no grant",
  "direct",
  "composite",
  "whole",
  "restricted",
  "forged",
  "ext_authz",
];

const escaped = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

/** Round steps, at most six of them up to the largest value. */
function stepFor(largest: number): number {
  const steps = [1, 2, 5].flatMap((digit) => [1, 10, 100, 1000].map((power) => digit * power)).sort((a, b) => a - b);
  return steps.find((step) => largest / step <= 6) ?? largest;
}

function classOf({ id, group }: Row): string {
  if (group === "ext_authz") return "outside";
  return group === "native" || id === "thin" ? "native" : "ours";
}

function bar(row: Row, y: number, scale: (value: number) => number): string {
  const { median, low, high } = row.cpu;
  const middle = y + ROW_HEIGHT / 2;
  const x = (value: number): string => (LABEL_WIDTH + scale(Math.max(0, value))).toFixed(1);
  const isServer = row.id.endsWith("-server");
  return [
    `<text class="label" x="${LABEL_WIDTH - 10}" y="${middle + 4}" text-anchor="end">${escaped(row.name)}</text>`,
    `<rect class="${classOf(row)}${isServer ? " server" : ""}" x="${LABEL_WIDTH}" y="${y + 5}" width="${Math.max(1.5, scale(Math.max(0, median))).toFixed(1)}" height="${ROW_HEIGHT - 10}" rx="2"/>`,
    `<line class="whisker" x1="${x(low)}" x2="${x(high)}" y1="${middle}" y2="${middle}"/>`,
    `<text class="value" x="${(LABEL_WIDTH + scale(Math.max(0, high)) + 7).toFixed(1)}" y="${middle + 4}">${median < 0 ? "" : "+"}${median.toFixed(1)}</text>`,
  ].join("\n");
}

const STYLE = `
  text { font-family: system-ui, -apple-system, "Segoe UI", sans-serif; font-size: 13px; fill: #1f2328; }
  .page { fill: #ffffff; stroke: #d1d9e0; }
  .title { font-size: 17px; font-weight: 600; }
  .group { font-weight: 600; }
  .note, .tick { font-size: 12px; fill: #59636e; }
  .value { font-variant-numeric: tabular-nums; }
  .grid { stroke: #d1d9e0; stroke-width: 1; }
  .whisker { stroke: #1f2328; stroke-width: 1.5; }
  .ours { fill: #2f81c7; }
  .native { fill: #8c959f; }
  .outside { fill: #c9812a; }
  .server { opacity: 0.6; }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc; }
    .page { fill: #0d1117; stroke: #3d444d; }
    .note, .tick { fill: #9198a1; }
    .grid { stroke: #3d444d; }
    .whisker { stroke: #f0f6fc; }
    .ours { fill: #4493f8; }
    .native { fill: #7d8590; }
    .outside { fill: #db8e37; }
  }
`;

export function chart({ rows, setting }: Results): string {
  const shown = rows.filter(({ group }) => GROUPS.includes(group));
  const largest = Math.max(...shown.map(({ cpu }) => cpu.high));
  const scale = (value: number): number => (value / largest) * BAR_AREA;
  const parts: string[] = [];
  let y = TOP;
  for (const group of GROUPS) {
    parts.push(`<text class="group" x="24" y="${y + 20}">${escaped(TITLES[group])}</text>`);
    y += GROUP_HEIGHT;
    for (const row of shown.filter((candidate) => candidate.group === group)) {
      parts.push(bar(row, y, scale));
      y += ROW_HEIGHT;
    }
  }
  const step = stepFor(largest);
  const ticks = Array.from({ length: Math.floor(largest / step) + 1 }, (_, i) => i * step).map((value) => {
    const x = (LABEL_WIDTH + scale(value)).toFixed(1);
    return `<line class="grid" x1="${x}" x2="${x}" y1="${TOP + 4}" y2="${y + 4}"/>\n<text class="tick" x="${x}" y="${y + 20}" text-anchor="middle">${value}</text>`;
  });
  const base = cpuOf(rows, "none");
  const height = y + 40;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-labelledby="title">
<title id="title">CPU microseconds that each way of filtering adds to a request</title>
<style>${STYLE}</style>
<rect class="page" x="0.5" y="0.5" width="${WIDTH - 1}" height="${height - 1}" rx="6"/>
<text class="title" x="24" y="30">CPU µs added to a request</text>
<text class="note" x="24" y="50">Without any filter: ${base.toFixed(1)} µs. Medians; lines from quartile to quartile. Envoy ${escaped(setting.envoy)}, one worker, ${escaped(setting.cpu)}, ${setting.date}.</text>
${ticks.join("\n")}
${parts.join("\n")}
</svg>
`;
}
