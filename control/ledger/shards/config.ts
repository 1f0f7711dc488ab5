/** The successor's `ledger.yaml`: the old one, comments and all, under another name and key, its paths as they were meant there. */
import { dirname, isAbsolute, resolve } from "node:path";
import { isMap, isScalar, isSeq, type Node, parseDocument, Scalar, visit } from "yaml";
import { addressPattern } from "../config.js";

/** Members that name files, wherever they stand. */
const FILES = new Set([
  "audit",
  "answers",
  "path",
  "envoy",
  "secret_file",
  "certificate",
  "key",
  "client_ca",
  "witnesses",
]);

/** @param path of the old file */
export function nextConfig(
  text: string,
  path: string,
  next: { readonly origin: string; readonly key: string },
): string {
  const document = parseDocument(text);
  const settle = (node: unknown): void => {
    if (isScalar(node) && typeof node.value === "string" && !isAbsolute(node.value))
      node.value = resolve(dirname(path), node.value);
    if (isSeq(node)) for (const item of node.items) settle(item);
  };
  visit(document, {
    Pair(_, { key, value }) {
      const name = isScalar(key) ? key.value : undefined;
      const isSocket = name === "receipts" && isScalar(value) && !addressPattern.test(String(value.value));
      // An alarm's program; a name without a slash is looked for on the PATH.
      if (name === "run" && isSeq(value) && isScalar(value.items[0]) && String(value.items[0].value).includes("/"))
        settle(value.items[0]);
      if (isSocket || name === "anchors" || (typeof name === "string" && FILES.has(name) && !isMap(value)))
        settle(value);
    },
  });
  for (const [name, value] of Object.entries(next)) {
    const before: unknown = document.get(name, true);
    if (isScalar(before)) before.value = value;
    else document.set(name, new Scalar(value) satisfies Node);
  }
  return document.toString({ lineWidth: 0 });
}
