/** `glassgate anchors`: what is pinned, and the words to compare it by. */
import type { Command } from "commander";
import { visible } from "../base/text.js";
import { readAnchors } from "../trust/anchors.js";
import { fingerprintOf } from "../trust/fingerprint.js";
import { anchorsOption, examples, jsonOption } from "./context.js";
import { resultJson, resultRows, say } from "./output.js";

function show(options: { anchors: string; json?: boolean }): void {
  const anchors = readAnchors(options.anchors);
  const words = fingerprintOf(anchors);
  const { audience, threshold, roots } = anchors;
  if (options.json === true) {
    resultJson({ audience, threshold, roots: roots.map(({ kid }) => kid), words });
    return;
  }
  const lines = [
    `audience   ${audience}`,
    `threshold  ${threshold} of ${roots.length} roots must sign each bundle`,
    ...roots.map(({ kid }) => `root       ${kid}`),
    `words      ${words}`,
  ];
  resultRows(lines.map(visible));
  say("Read the words to a root holder over the telephone: the same words are the same anchors.");
}

export function addAnchors(program: Command): void {
  const command = program
    .command("anchors")
    .description("show what is pinned, as words to compare over the telephone")
    .addOption(anchorsOption())
    .addOption(jsonOption())
    .action(show);
  examples(command, ["glassgate anchors", "glassgate anchors --anchors /etc/glassgate/anchors.json"]);
}
