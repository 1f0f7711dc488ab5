// What a kind of claim is on each side: in the filter, in the command, in the docs. A new kind is one entry here and its readers:
// assembly/grant/kinds.ts, assembly/filter/shown.ts, control/grant/kinds.ts, control/cli/describe.ts.
import { camel, limit } from "./write.mjs";

/**
 * `imports`: what the filter's reader of it needs, by file. `type`, `read`: how the filter holds and reads it; a type that is no number is 0 where the claim is absent. `write`: who describes
 * it. `shape`: what the command may make; `told`: what the filter's description of it is; `words`: for the docs.
 */
export const claimKinds = {
  name: {
    imports: { "./kinds": ["readName"], "../text/region": ["Text"] },
    type: "Text",
    read: () => "readName(reader, region)",
    write: "writeText",
    shape: () => "name",
    told: "z.string()",
    words: () => "a name",
  },
  text: {
    imports: { "./kinds": ["readBounded"], "../text/region": ["Text"] },
    type: "Text",
    read: ({ max }) => `readBounded(reader, region, ${max})`,
    write: "writeText",
    shape: ({ max }) => `text(${limit(max)})`,
    told: "z.string()",
    words: ({ max }) => `a string of 1 to ${limit(max)} bytes`,
  },
  grant_id: {
    imports: { "./kinds": ["readGrantId"], "../text/region": ["Text"] },
    type: "Text",
    read: () => "readGrantId(reader, region)",
    write: "writeText",
    shape: () => "grantId",
    told: "z.string()",
    words: () => "a string of 16 to 64 of `A-Za-z0-9_-`",
  },
  name_or_names: {
    imports: { "../jose/lists": ["readNameOrList"], "../text/region": ["TextList"] },
    type: "TextList",
    read: ({ max }) => `readNameOrList(reader, region, ${max})`,
    write: "writeList",
    shape: ({ max }) => `nameOrNames(${limit(max)})`,
    told: "z.array(z.string())",
    words: ({ max }) => `a name, or an array of 1 to ${limit(max)} names`,
  },
  seconds: {
    imports: {},
    type: "i64",
    read: () => "reader.integer()",
    write: "writeInteger",
    shape: () => "numericDate",
    told: "z.number()",
    words: () => "whole seconds since 1970",
  },
  details: {
    imports: { "../jose/details": ["readScope", "Scope", "Wildcard"] },
    type: "Scope",
    read: () => "readScope(reader, region, Wildcard.Refused)",
    write: "writeScope",
    shape: () => "grantDetails",
    told: "toldDetails",
    words: () => `an array of 1 to ${limit("MAX_DETAILS")} objects`,
  },
  confirmation: {
    imports: { "./confirmation": ["Confirmation", "readConfirmation"] },
    type: "Confirmation",
    read: () => "readConfirmation(reader, region)",
    write: "writeConfirmation",
    shape: () => "confirmation",
    told: "toldConfirmation",
    words: () => "an object of one member, `x5t#S256` or `jkt`: a SHA-256 in base64url",
  },
  networks: {
    imports: { "./networks": ["Networks", "readNetworks"] },
    type: "Networks",
    read: () => "readNetworks(reader, region)",
    write: "writeNetworks",
    shape: () => "networks",
    told: "z.array(z.string())",
    words: () => `an array of 1 to ${limit("MAX_NETWORKS")} CIDR blocks, each in its canonical spelling`,
  },
};

export const shapeOf = (of) => `${camel(of)}Schema`;
const bounds = ({ min, max }) => `${min}${max === undefined ? "" : `, ${limit(max)}`}`;

/** A kind of member of a bundle or a configuration, as the command checks it. A kind that is new is read in the filter by hand. */
export const memberKinds = {
  one: { shape: () => "z.literal(1)" },
  integer: { shape: (row) => `integer(${bounds(row)})` },
  boolean: { shape: () => "z.boolean()" },
  seconds: { shape: () => "numericDate" },
  text: { shape: () => "z.string()" },
  name: { shape: () => "name" },
  names: { shape: ({ max }) => `z.array(name).min(1).max(${limit(max)})` },
  list: {
    shape: ({ of, orName, max }) =>
      `z.array(${orName === true ? `z.union([name, ${shapeOf(of)}])` : shapeOf(of)})${max === undefined ? "" : `.max(${limit(max)})`}`,
  },
  object: { shape: ({ of }) => shapeOf(of) },
  keys: { shape: () => "z.array(windowedKeySchema)" },
  ledgers: { shape: ({ max }) => `z.array(publicKeySchema).max(${limit(max)})` },
  roots: { shape: ({ max }) => `z.array(publicKeySchema).min(1).max(${limit(max)})` },
  details: { shape: () => "entitlementDetails" },
  requirements: { shape: () => "requirements" },
  revoked: { shape: () => "z.array(revokedName)" },
  name_or_names: { shape: ({ max }) => `z.union([name, z.array(name).min(1).max(${limit(max)})])` },
  floors: { shape: ({ max }) => `floors(${limit(max)})` },
  texts: { shape: ({ max }) => `z.union([z.string(), z.array(z.string()).max(${limit(max)})])` },
  header_names: { shape: ({ max }) => `z.array(headerName).max(${limit(max)})` },
  upstream_header: { shape: ({ max }) => `upstreamHeader(${limit(max)})` },
  receipt_only: { shape: () => 'z.literal("receipt")' },
  bytes: { shape: ({ max }) => `visibleText(${limit(max)})` },
  request_path: { shape: ({ max }) => `requestPath(${limit(max)})` },
  kept_headers: { shape: ({ max }) => `z.array(keptHeader).max(${limit(max)})` },
  mode: { shape: () => 'z.enum(["enforce", "shadow"])' },
};
