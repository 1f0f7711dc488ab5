/**
 * Scalars as they were written. Kong reads YAML 1.1, where `no`, `010` and `1:30` are no texts and not the numbers that others read: what
 * nobody has changed is written again letter by letter.
 */
import { type Document, Scalar, type ScalarTag, visit } from "yaml";

class Verbatim {
  constructor(readonly source: string) {}
}

export const verbatimTag: ScalarTag = {
  tag: "tag:glassgate,verbatim",
  default: true,
  identify: (value) => value instanceof Verbatim,
  resolve: (text) => text,
  stringify: ({ value }) => (value instanceof Verbatim ? value.source : ""),
};

/** The document's text. @param document read with `verbatimTag` */
export function textOf(document: Document): string {
  const copy = document.clone();
  visit(copy, {
    Scalar(_, node) {
      const { source, type, tag } = node;
      if (type === Scalar.PLAIN && tag === undefined && source !== undefined && /^[^\n]+$/.test(source))
        node.value = new Verbatim(source);
    },
  });
  return copy.toString({ lineWidth: 0 });
}
