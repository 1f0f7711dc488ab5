/** The incident as a page of the docs. */
import type { Played } from "./play.js";

const HEAD = `# A sample incident

One story from the alarm to the signed review. It was played by \`npm run sample-incident\` on a real Envoy and a real ledger, and
everything that stands below the commands is what they printed; the people, keys and the upstream are made up. A program types for all
of them, so the approvals come within seconds; and the ledger waits five seconds for what comes late (\`grace\`) in place of two minutes.

The gateway is the one of [Getting started](getting-started.md), with [a ledger beside it](ledger.md#beside-one-gateway); the roster has
\`revokers: [security]\`, \`reviewers: [audit]\`, and olga in that role.
`;

const TAIL = `
[Reviews](review.md) has each part of it, and [The page](review-page.md) what the browser shows.
`;

/** Without what a reader has seen already. */
function rowsOf({ step, printed }: Played): string[] {
  let rows = printed.trimEnd().split("\n");
  for (const [from, to] of step.without ?? []) {
    const at = rows.findIndex((row) => from.test(row));
    const end = rows.findIndex((row, i) => i >= at && to.test(row));
    if (at >= 0 && end > at) rows = [...rows.slice(0, at), "...", ...rows.slice(end)];
  }
  return rows.map((row) => row.trimEnd()).filter((row, i) => row !== "" || i > 0);
}

/** @param picture where the page's picture is, seen from the docs */
export function pageOf(played: readonly Played[], picture: string): string {
  const parts = played
    .filter(({ step }) => step.isHidden !== true || step.title !== undefined)
    .map((one) => {
      const { title, says, line, isHidden } = one.step;
      const rows = isHidden === true ? [] : rowsOf(one);
      return [
        ...(title === undefined ? [] : [`\n## ${title}`]),
        ...(says === undefined ? [] : [`\n${says}`]),
        ...(isHidden === true ? [] : [`\n\`\`\`sh\n${line}\n\`\`\``]),
        ...(rows.length === 0 ? [] : [`\n\`\`\`text\n${rows.join("\n")}\n\`\`\``]),
        ...(line.includes(" --out review.html") ? [`\n![The review of this grant in a browser](${picture})`] : []),
      ].join("\n");
    });
  return `${HEAD}${parts.join("\n")}\n${TAIL}`;
}
