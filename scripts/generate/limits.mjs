// The bounds of assembly/limits.ts as a page for people.
import { current } from "./write.mjs";

const source = current("assembly/limits.ts");
const text = (comment) =>
  comment
    .replace(/^\s*\/?\*+\/?|\*\/$/gm, "")
    .replace(/\s+/g, " ")
    .trim();
const product = (factors) => factors.split("*").reduce((all, factor) => all * Number(factor), 1);

function shown(value) {
  const number = value.split("+").reduce((sum, term) => sum + product(term), 0);
  if (value.includes("1024 * 1024") && number % 1024 ** 2 === 0) return `${number / 1024 ** 2} MiB`;
  return value.includes("*") ? `${(number / 1024).toLocaleString("en")} KiB` : number.toLocaleString("en");
}

/** In the order of the file: a row a constant, a heading a `// ----` line. Constants without a comment belong to the one before. */
function* lines() {
  const parts = source.matchAll(
    /^\/\/ ---- (.+)$|^(\/\*\*(?:(?!\*\/)[\s\S])*\*\/)?\n?^export const ([A-Z_]+): \w+ = ([^;]+);/gm,
  );
  const head = ["| bound | | |", "|---|--:|---|"];
  yield* head;
  for (const [, heading, comment, name, value] of parts) {
    if (heading !== undefined) yield* ["", `## ${heading.split(". ")[0].replace(/\.$/, "")}`, "", ...head];
    else
      yield `| \`${name}\` | ${shown(value)} | ${comment === undefined ? "" : text(comment).replaceAll("|", "\\|")} |`;
  }
}

export const limitOutputs = {
  "docs/limits.md": `<!-- Generated from assembly/limits.ts by scripts/generate.mjs. Do not edit. -->
# Limits

Every bound of what the filter takes and holds, from the one file that it reads them from. What is at a bound is taken, and one more is
refused by its name: \`test/verdicts/limits.test.ts\` shows it of each, or names the test that does. A row
without words belongs to the one above it; \`DEFAULT_...\` is no bound, but what counts where the configuration says nothing. How full a
gateway is, and what shows it before it bites: [the operator guide](operator-guide.md#how-full-a-gateway-is).

${[...lines()].join("\n")}
`,
};
