// What a kind of claim is on each side: in the filter, in the command, in the docs. A new kind is one entry here and its readers:
// assembly/grant/kinds.ts, assembly/filter/shown.ts, control/grant/kinds.ts, control/cli/describe.ts.
import { limit } from "./write.mjs";

/**
 * `type`, `read`: how the filter holds and reads it; a type that is no number is 0 where the claim is absent. `write`: who describes
 * it. `shape`: what the command may make; `told`: what the filter's description of it is; `words`: for the docs.
 */
export const claimKinds = {
  name: {
    type: "Text",
    read: () => "readName(reader, region)",
    write: "writeText",
    shape: () => "name",
    told: "z.string()",
    words: () => "a name",
  },
  text: {
    type: "Text",
    read: ({ max }) => `readBounded(reader, region, ${max})`,
    write: "writeText",
    shape: ({ max }) => `text(${limit(max)})`,
    told: "z.string()",
    words: ({ max }) => `a string of 1 to ${limit(max)} bytes`,
  },
  grant_id: {
    type: "Text",
    read: () => "readGrantId(reader, region)",
    write: "writeText",
    shape: () => "grantId",
    told: "z.string()",
    words: () => "a string of 16 to 64 of `A-Za-z0-9_-`",
  },
  name_or_names: {
    type: "TextList",
    read: ({ max }) => `readNameOrList(reader, region, ${max})`,
    write: "writeList",
    shape: ({ max }) => `nameOrNames(${limit(max)})`,
    told: "z.array(z.string())",
    words: ({ max }) => `a name, or an array of 1 to ${limit(max)} names`,
  },
  seconds: {
    type: "i64",
    read: () => "reader.integer()",
    write: "writeInteger",
    shape: () => "numericDate",
    told: "z.number()",
    words: () => "whole seconds since 1970",
  },
  details: {
    type: "Scope",
    read: () => "readScope(reader, region, Wildcard.Refused)",
    write: "writeScope",
    shape: () => "grantDetails",
    told: "toldDetails",
    words: () => `an array of 1 to ${limit("MAX_DETAILS")} objects`,
  },
};
