/** The drill file: what people write in YAML. docs/drill-file.md tells its members. */
import { dirname, resolve } from "node:path";
import { z } from "zod";
import { decode, readBytes } from "../base/files.js";
import { isRecord, parseYaml } from "../base/schema.js";
import { nearest, visible } from "../base/text.js";
import { sha256Hex } from "../signer/sign.js";
import { headerName, name, requestPath } from "../trust/names.js";
import { duration } from "../trust/roster-values.js";
import { caseNames } from "./cases/index.js";
import { faultNames } from "./faults/names.js";
import { measureNames } from "./model.js";

const DAY = 86_400;
const seconds = duration(3600, { least: 1, unit: "m" });
/** An Envoy of a machine nearby answers in a few milliseconds. */
const limit = duration(3600, { least: 1, unit: "m", hasMs: true });
const file = z.string().min(1, "must name a file").max(4096);
const keyName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}$/, "must be the name of a key, as `glassgate key list` shows it");
const address = z
  .string()
  .regex(/^(?:\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+):[0-9]{1,5}$/, "must be host:port, for example 127.0.0.1:9901");
const host = z.string().regex(/^[a-z0-9._:[\]-]{1,255}$/, "must be a host in small letters, without https://");
const path = requestPath(1024);
/** Of a grant, in a command. */
export const JTI = "{jti}";

/** One of a closed list, with the nearest right one where it is none. */
const oneOf = (names: readonly string[], what: string) =>
  z
    .string()
    .refine((text) => names.includes(text), {
      error: ({ input }) => {
        const near = nearest(String(input), names);
        return `is no ${what}: ${near === undefined ? `there are ${names.join(", ") || "none"}` : `did you mean ${near}?`}`;
      },
    })
    .meta({ enum: [...names] });

/** A program and its arguments: no shell. */
const command = z.array(z.string().min(1)).min(1).max(64);
const certificateSchema = z.strictObject({
  cert: file.describe("PEM of the certificate, with its chain"),
  key: file.describe("PEM of its private key, without a passphrase"),
});

const gatewaySchema = z
  .strictObject({
    id: z
      .string()
      .regex(/^[\x21-\x7e]{1,128}$/, "must be the `node.id` of its Envoy, or the `node_id` of its Kong")
      .describe("`node.id` of its Envoy, or the `node_id` of its Kong"),
    url: z
      .url({ protocol: /^https?$/, error: "must be http:// or https://, with the port that callers use" })
      .describe("the listener that callers use"),
    ca: file.optional().describe("PEM of the authorities to trust, instead of the system's"),
    config: file.optional().describe("its configuration as rendered: admin, logs, routes"),
    admin: address.optional().describe("its admin interface, where `config` does not say it"),
    kong: z
      .url({ protocol: /^https?$/, error: "must be http:// or https://, for example http://127.0.0.1:8001" })
      .optional()
      .describe("it is a Kong: the address of its Admin API; `config` is its declarative file"),
    log: file.optional().describe("where its audit records are read, where `config` does not say it"),
    caller: file.optional().describe("a normal caller's header lines: the normal road must be open"),
    routes: z.array(path).max(256).default([]).describe("more places to look at without a credential"),
    open: z.array(path).max(256).default([]).describe("places that anybody may reach: they are not looked at"),
    accept: z
      .array(z.string().min(1).max(512))
      .max(256)
      .default([])
      .describe("findings of `gateway verify` that you have looked at"),
    certificate: certificateSchema
      .optional()
      .describe("what callers show at a listener that asks for client certificates: each call of the drill shows it"),
    harmless: z.boolean().default(false).describe("its upstream may be sent other methods than GET and HEAD"),
  })
  .refine(({ config, admin, kong }) => config !== undefined || (admin !== undefined && kong === undefined), {
    error: ({ input }) =>
      isRecord(input) && input.kong !== undefined
        ? "needs config: the declarative file of that Kong"
        : "needs config, or admin",
  });

const targetSchema = z.strictObject({ method: z.string().regex(/^[A-Z]{1,32}$/), host, path });
const streamSchema = z.strictObject({
  path,
  headers: z.record(headerName, z.string().regex(/^[\x21-\x7e ]{1,256}$/)).default({}),
});
const ledgerSchema = z.strictObject({
  at: z.string().min(1).max(2048).describe("its folder, or its https:// address"),
  key: z.string().min(1).max(4096).describe("its verifier key, or a file that has it"),
  token_file: file.optional().describe("of an https:// ledger: the token of a sender that has `reads: true` there"),
});
const customFault = z.strictObject({
  name: z.string().regex(/^[a-z0-9-]{1,64}$/, "must be of small letters, digits and -"),
  do: z.array(z.string().min(1)).min(1).max(64).describe("a command with its arguments, without a shell"),
  undo: z.array(z.string().min(1)).min(1).max(64).describe("what takes it back; it may run twice"),
  expect: z.enum(["denied", "allowed", "normal", "grants-only", "unanswered", "unrecorded"]),
  gateways: z
    .array(z.string().min(1))
    .min(1)
    .max(256)
    .optional()
    .describe("those that it befalls; all, where nothing is said"),
  within: seconds.default(10).describe("how long it may take until it holds, and until all is open again"),
});
const detailSchema = z.strictObject({
  locations: z.array(z.string().min(1)).min(1).max(16),
  actions: z.array(z.string().min(1)).min(1).max(16),
  paths: z.array(z.string().startsWith("/")).min(1).max(32),
});
const peopleSchema = z.strictObject({
  requester: keyName.describe("who asks, and signs the report where no signer is named"),
  approvers: z.array(keyName).max(8).describe("exactly whom the quorum needs"),
  stranger: keyName.optional().describe("somebody who may not ask for the entitlement"),
  former: keyName.optional().describe("a key that was replaced, and is nobody's in the trust bundle any more"),
  signer: keyName.optional().describe("who signs the report; the requester, where nobody is named"),
});
const expectsSchema = z.strictObject({
  max_ttl: seconds.optional().describe("how long a grant of it may live"),
  opens: z.array(detailSchema).min(1).max(16).optional().describe("hosts, methods and paths"),
});

export const drillSchema = z.strictObject({
  name: name.describe("the id in the grants' `drill`"),
  every: duration(400 * DAY, { least: DAY, unit: "d" }).describe("when the next one is due"),
  project: file.default(".").describe("the folder with anchors.json and bundle.jws"),
  keys: file.optional().describe("the folder of keys, where it is not `keys/` of the project"),
  people: peopleSchema.describe("names of keys, whose owners hold roles of drills alone"),
  entitlement: name.describe("what is opened: one with `drill: true`"),
  expects: expectsSchema.optional().describe("what the entitlement is meant to be: a wider one is found"),
  gateways: z.array(gatewaySchema).min(1).max(256).describe("each that the drill tries"),
  target: targetSchema
    .optional()
    .describe("the request that a drill opens; the entitlement's first, where nothing is said"),
  stream: streamSchema.optional().describe("a request within the entitlement whose answer goes on"),
  incident: z.string().min(1).max(64).default("DRILL").describe("the ticket, for an entitlement that demands one"),
  net: z.array(z.string()).min(1).max(16).optional().describe("networks, for an entitlement that demands them"),
  ledger: ledgerSchema.optional().describe("where the records are looked for, and proved"),
  cases: z
    .strictObject({ skip: z.array(oneOf(caseNames, "case")).default([]).describe("they are named in the report") })
    .default({ skip: [] })
    .describe("what is not played"),
  repeat: z.int().min(1).max(100).default(3).describe("how often the opening way is walked"),
  limits: z
    .strictObject(Object.fromEntries(measureNames.map((one) => [one, limit.optional()])))
    .default({})
    .describe("how long each may take at most, such as 500ms or 10s"),
  faults: z
    .array(z.union([oneOf(faultNames, "fault"), customFault]))
    .default([])
    .describe("what is made to fail after the cases, and undone"),
  revoke: command
    .refine(
      (words) => words.some((word) => word.includes(JTI)),
      `must name the grant: put ${JTI} where its name belongs`,
    )
    .optional()
    .describe(`takes one grant of the drill back at every gateway: ${JTI} stands for its name`),
  push: command.optional().describe("pushes to every gateway: what serves there, or the next"),
  alerts: command.optional().describe("prints the alarms that were received, by whoever gets those of the ledger"),
});
export type DrillFile = z.infer<typeof drillSchema>;

const namesOf = (schema: { readonly shape: object }): string[] => Object.keys(schema.shape);
/** Member names by place, for "did you mean". */
const MEMBERS: readonly (readonly [RegExp, readonly string[]])[] = [
  [/^$/, namesOf(drillSchema)],
  [/^people$/, namesOf(peopleSchema)],
  [/^expects$/, namesOf(expectsSchema)],
  [/^expects\.opens\.\d+$/, namesOf(detailSchema)],
  [/^gateways\.\d+$/, namesOf(gatewaySchema)],
  [/^gateways\.\d+\.certificate$/, namesOf(certificateSchema)],
  [/^target$/, namesOf(targetSchema)],
  [/^stream$/, namesOf(streamSchema)],
  [/^ledger$/, namesOf(ledgerSchema)],
  [/^cases$/, ["skip"]],
  [/^limits$/, measureNames],
  [/^faults\.\d+$/, namesOf(customFault)],
];

export const DRILL_HINT =
  "Mend the drill file; nothing was sent. `glassgate drill init` writes a good one, docs/drill-file.md tells each member.";

export const parseDrill = (text: string, name: string): DrillFile =>
  parseYaml(
    text,
    name,
    drillSchema,
    (where) => MEMBERS.find(([pattern]) => pattern.test(where.join(".")))?.[1] ?? [],
    DRILL_HINT,
  );

export interface DrillSource {
  /** As it was named, for errors. */
  readonly name: string;
  readonly text: string;
  /** Of its bytes, hex: the report names it. */
  readonly sha256: string;
  readonly drill: DrillFile;
  /** Makes a path of the file whole: it counts from the file's own folder. */
  readonly at: (path: string) => string;
}

export function readDrill(path: string): DrillSource {
  const bytes = readBytes(path, "the drill file", { hint: "`glassgate drill init` writes one." });
  const text = decode(bytes);
  return {
    name: path,
    text,
    sha256: sha256Hex(bytes),
    drill: parseDrill(text, path),
    at: (one) => resolve(dirname(path), one),
  };
}

/** What a drill file may skip, or `--only` name. @throws where there is no such case */
export function unknownCase(wanted: string, { drill }: DrillSource): string | undefined {
  const names = [...caseNames, ...drill.faults.map((fault) => (typeof fault === "string" ? fault : fault.name))];
  if (names.includes(wanted)) return undefined;
  const near = nearest(wanted, names);
  return `There is no case ${visible(wanted)}.${near === undefined ? "" : ` Did you mean ${near}?`}`;
}
