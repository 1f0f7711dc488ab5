/** A gateway's own file as YAML, for those who read it and change nothing. */
import { type Document, parseDocument } from "yaml";

type Read = (text: string) => Document;

/** Several look at one file in a row, each for something else: it takes a tenth of a second to parse, so the last one is kept. */
function keepingLast(parse: Read): Read {
  let last: { readonly text: string; readonly document: Document } | undefined;
  return (text) => {
    if (last?.text !== text) last = { text, document: parse(text) };
    return last.document;
  };
}

/** As it is written. */
export const writtenDocument: Read = keepingLast((text) => parseDocument(text));

/** As Envoy reads it: `toJS` follows merges. */
export const mergedDocument: Read = keepingLast((text) => parseDocument(text, { merge: true }));
