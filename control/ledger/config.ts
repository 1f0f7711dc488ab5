/** `ledger.yaml`: what a ledger takes in, from whom, and where it listens; and the same of an agent that hands on to another ledger. */
import { dirname, resolve } from "node:path";
import { z } from "zod";
import { readText } from "../base/files.js";
import { isLoopback } from "../base/loopback.js";
import { parseYaml } from "../base/schema.js";
import {
  type At,
  address,
  addressPattern,
  file,
  followed,
  gatewaySchema,
  gatewaysAt,
  logFileSchema,
  MINUTE,
  named,
  seconds,
} from "./followed.js";
import { mustBeNoNeighbour } from "./near.js";

export { addressPattern, type FollowedGateway, type LogFile } from "./followed.js";

const DAY = 86_400;
const digest = z
  .string()
  .regex(
    /^[0-9a-f]{64}$/,
    "must be a SHA-256 in 64 hex digits, never a token itself: `glassgate ledger token` prints one",
  );

const quotaSchema = z.strictObject({
  /** Entries and bytes a minute. */
  entries: z.int().min(1).max(100_000_000).default(60_000),
  bytes: z.int().min(1).max(1e12).default(67_108_864),
});
export type Quota = z.infer<typeof quotaSchema>;

const senderConfigSchema = z
  .strictObject({
    name: named,
    tokens: z.array(digest).max(16).optional(),
    certificates: z.array(digest).max(16).optional(),
    /** Gateways whose records he brings; of others they are kept, labelled. */
    speaks_for: z.array(named).max(4096),
    /** May hand in what `ledger follow` has looked up: heartbeats, bundles, pushes. */
    follows: z.boolean().default(false),
    /** May read the log and the metrics. */
    reads: z.boolean().default(false),
    quota: quotaSchema.default({ entries: 60_000, bytes: 67_108_864 }),
  })
  .refine(({ tokens = [], certificates = [] }) => tokens.length + certificates.length > 0, {
    error: "needs tokens or certificates: nobody could be this sender",
  });
export type SenderConfig = z.infer<typeof senderConfigSchema>;

const listenSchema = z
  .strictObject({
    address,
    tls: z.strictObject({ certificate: file, key: file, client_ca: file.optional() }).optional(),
    /** Where gateways ask for receipts: a unix socket (a path), or host:port with client certificates. */
    receipts: z.string().min(1).max(256).optional(),
    /** Who may read the log: senders that have `reads`, or whoever reaches the address. */
    read: z.enum(["senders", "public"]).default("senders"),
  })
  .superRefine(({ address: where, tls, receipts }, context) => {
    if (tls !== undefined) return;
    if (!isLoopback(where.replace(/:[0-9]+$/, "")))
      context.addIssue({ code: "custom", path: ["address"], message: "is not on this machine: that needs tls" });
    if (receipts !== undefined && addressPattern.test(receipts))
      context.addIssue({
        code: "custom",
        path: ["receipts"],
        message:
          "is an address, and that needs tls: a gateway is known there by its client certificate. Of this machine it asks on a unix socket: name its path",
      });
  });
export type Listen = z.infer<typeof listenSchema>;

const alarmsSchema = z.strictObject({
  webhooks: z
    .array(
      z.strictObject({
        url: z.url({ protocol: /^https?$/, error: "must be an http:// or https:// URL" }),
        secret_file: file,
        allow_private: z.boolean().default(false),
      }),
    )
    .max(16)
    .optional(),
  /** A program and its arguments; the alarm is JSON on its standard input. */
  commands: z
    .array(z.strictObject({ run: z.array(z.string().min(1)).min(1).max(64) }))
    .max(16)
    .optional(),
});

type Alarms = z.infer<typeof alarmsSchema>;

/** Where another program writes the log: config/ledger/tessera. */
const tesseraSchema = z.strictObject({
  url: z.url({ protocol: /^https?$/, error: "must be the https:// URL of a Tessera" }).max(2048),
  /** The verifier key that it prints. */
  vkey_file: file,
  /** Of `POST /add`. */
  token_file: file,
  /** Of `GET`, where it wants one. */
  read_token_file: file.optional(),
});

const publishSchema = z.strictObject({
  to: z.string().max(2048),
  endpoint: z.string().max(2048).optional(),
  region: z.string().max(64).optional(),
  /** A program that prints keys, as `--credential-process`; never keys themselves. */
  credential_process: z.string().min(1).max(4096).optional(),
  every: seconds(DAY).default(10),
});

/** Who is known otherwise than by token or certificate. */
export const OWN_NAMES: readonly string[] = ["local", "ledger"];

function namesOnce(context: z.RefinementCtx, member: string, names: readonly string[], key: string): void {
  for (const [i, name] of names.entries())
    if (names.indexOf(name) < i)
      context.addIssue({ code: "custom", path: [member, i, key], message: "stands here twice" });
}

export const ledgerSchema = z
  .strictObject({
    /** The log's name for ever: the first line of each checkpoint. */
    origin: named,
    /** The log's key, as `glassgate ledger init` made it. */
    key: file,
    ...followed,
    senders: z.array(senderConfigSchema).max(1024).default([]),
    listen: listenSchema.optional(),
    /** Which bundles count: the gateways' pinned anchors. */
    anchors: z.array(file).max(64).default([]),
    /** How long a missing `seq` is open before it is a gap. */
    grace: seconds(DAY).default(120),
    /** How long a gateway may publish no heartbeat before that is an alarm. Without news there is one a minute. */
    silence: seconds(DAY).default(180),
    /** How long a review may wait for its closing signature. */
    review_due: seconds(30 * DAY).default(DAY),
    alarms: alarmsSchema.optional(),
    /** A log that a Tessera writes, not this folder. */
    tessera: tesseraSchema.optional(),
    /** A copy in an S3-compatible store. */
    publish: publishSchema.optional(),
    /** A tlog-policy file. */
    witnesses: file.optional(),
  })
  .superRefine(({ gateways, senders, heartbeat, silence, tessera, publish, witnesses }, context) => {
    for (const [member, value, instead] of [
      ["publish", publish, "copy the Tessera's folder from where it stands"],
      ["witnesses", witnesses, "keep checkpoints of it for `glassgate ledger verify --since`"],
    ] as const)
      if (tessera !== undefined && value !== undefined)
        context.addIssue({
          code: "custom",
          path: [member],
          message: `does not go with tessera, whose log is not in this folder: take it out, and ${instead}`,
        });
    if (silence < 2 * MINUTE || silence < 3 * heartbeat)
      context.addIssue({
        code: "custom",
        path: ["silence"],
        message: "is too short: at least 2m, and three times the heartbeat's period",
      });
    for (const [i, { name }] of senders.entries())
      if (OWN_NAMES.includes(name) || name.startsWith("local:"))
        context.addIssue({ code: "custom", path: ["senders", i, "name"], message: "is a name of the ledger's own" });
    namesOnce(
      context,
      "gateways",
      gateways.map(({ id }) => id),
      "id",
    );
    namesOnce(
      context,
      "senders",
      senders.map(({ name }) => name),
      "name",
    );
    const digests = senders.flatMap(({ tokens = [], certificates = [] }, i) =>
      [...tokens, ...certificates].map((value) => ({ value, i })),
    );
    for (const [at, { value, i }] of digests.entries())
      if (digests.findIndex((other) => other.value === value) < at)
        context.addIssue({
          code: "custom",
          path: ["senders", i],
          message: "has a token or certificate that stands here twice",
        });
  });
export type LedgerConfig = z.infer<typeof ledgerSchema>;

export const agentSchema = z
  .strictObject({
    ...followed,
    to: z.strictObject({
      url: z.string().max(2048),
      token_file: file.optional(),
      /** A client certificate in place of a token. */
      certificate: file.optional(),
      key: file.optional(),
      /** An authority to trust besides the system's. */
      ca: file.optional(),
    }),
    /** A folder for the positions. */
    state: file,
  })
  .superRefine(({ gateways, to }, context) => {
    namesOnce(
      context,
      "gateways",
      gateways.map(({ id }) => id),
      "id",
    );
    if ((to.certificate === undefined) !== (to.key === undefined))
      context.addIssue({ code: "custom", path: ["to"], message: "needs certificate and key together" });
    if (to.certificate === undefined && to.token_file === undefined)
      context.addIssue({ code: "custom", path: ["to"], message: "needs token_file, or certificate and key" });
  });
export type AgentConfig = z.infer<typeof agentSchema>;

const namesOf = (schema: { readonly shape: object }): string[] => Object.keys(schema.shape);
/** Member names by place, for "did you mean". */
const MEMBERS: readonly (readonly [RegExp, readonly string[]])[] = [
  [/^gateways\.\d+$/, namesOf(gatewaySchema)],
  [/^gateways\.\d+\.(?:audit|answers)(?:\.\d+)?$/, namesOf(logFileSchema)],
  [/^senders\.\d+$/, namesOf(senderConfigSchema)],
  [/^senders\.\d+\.quota$/, namesOf(quotaSchema)],
  [/^listen$/, namesOf(listenSchema)],
  [/^listen\.tls$/, ["certificate", "key", "client_ca"]],
  [/^alarms$/, namesOf(alarmsSchema)],
  [/^alarms\.webhooks\.\d+$/, ["url", "secret_file", "allow_private"]],
  [/^alarms\.commands\.\d+$/, ["run"]],
  [/^tessera$/, namesOf(tesseraSchema)],
  [/^publish$/, namesOf(publishSchema)],
  [/^to$/, namesOf(agentSchema.shape.to)],
];

function parse<T>(text: string, name: string, schema: z.ZodType<T> & { readonly shape: object }, hint: string): T {
  const known = (path: readonly PropertyKey[]): readonly string[] =>
    path.length === 0 ? namesOf(schema) : (MEMBERS.find(([pattern]) => pattern.test(path.join(".")))?.[1] ?? []);
  return parseYaml(text, name, schema, known, hint);
}

const LEDGER_HINT = "config/ledger/ledger.yaml is a complete example, docs/ledger.md tells each member.";
const AGENT_HINT = "config/ledger/follow.yaml is a complete example, docs/ledger.md tells each member.";

export const parseLedgerConfig = (text: string, name: string): LedgerConfig =>
  parse(text, name, ledgerSchema, LEDGER_HINT);
export const parseAgentConfig = (text: string, name: string): AgentConfig => parse(text, name, agentSchema, AGENT_HINT);

/** Only what is there, with its path made whole. */
function filesAt<T extends object>(value: T, names: readonly (keyof T & string)[], at: At): T {
  const paths = names.flatMap((name) => {
    const path: unknown = value[name];
    return typeof path === "string" ? [[name, at(path)] as const] : [];
  });
  return { ...value, ...Object.fromEntries(paths) };
}

function alarmsAt({ webhooks, commands }: Alarms, at: At): Alarms {
  return {
    ...(webhooks === undefined ? {} : { webhooks: webhooks.map((hook) => filesAt(hook, ["secret_file"], at)) }),
    // A name without a slash is looked for on the PATH.
    ...(commands === undefined
      ? {}
      : {
          commands: commands.map(({ run: [program = "", ...args] }) => ({
            run: [program.includes("/") ? at(program) : program, ...args],
          })),
        }),
  };
}

/** Reads a ledger's configuration; its paths count from its own folder. */
export function readLedgerConfig(path: string): LedgerConfig {
  mustBeNoNeighbour(dirname(path));
  const text = readText(
    path,
    "the ledger's configuration",
    "`glassgate ledger init DIR --origin NAME` makes a ledger.",
  );
  const config = parseLedgerConfig(text, path);
  const at: At = (name) => resolve(dirname(path), name);
  const { listen, alarms, tessera } = config;
  return {
    ...filesAt(config, ["key", "witnesses"], at),
    gateways: gatewaysAt(config.gateways, at),
    anchors: config.anchors.map(at),
    ...(listen === undefined
      ? {}
      : {
          listen: {
            ...(listen.receipts === undefined || addressPattern.test(listen.receipts)
              ? listen
              : filesAt(listen, ["receipts"], at)),
            ...(listen.tls === undefined ? {} : { tls: filesAt(listen.tls, ["certificate", "key", "client_ca"], at) }),
          },
        }),
    ...(alarms === undefined ? {} : { alarms: alarmsAt(alarms, at) }),
    ...(tessera === undefined ? {} : { tessera: filesAt(tessera, ["vkey_file", "token_file", "read_token_file"], at) }),
  };
}

export function readAgentConfig(path: string): AgentConfig {
  const config = parseAgentConfig(readText(path, "the agent's configuration", AGENT_HINT), path);
  const at: At = (name) => resolve(dirname(path), name);
  return {
    ...filesAt(config, ["state"], at),
    gateways: gatewaysAt(config.gateways, at),
    to: filesAt(config.to, ["token_file", "certificate", "key", "ca"], at),
  };
}

/** The text of a new ledger's configuration: what it must have, and the rest to be filled in. */
export const newLedgerConfig = (
  origin: string,
  key: string,
): string => `# A ledger: docs/ledger.md tells each member. Paths count from this file's folder.
origin: ${JSON.stringify(origin)}
key: ${JSON.stringify(key)}

# The gateways on this machine, whose files are followed:
gateways: []
#  - id: gateway-1                          # node.id of its Envoy
#    audit: /var/log/glassgate/audit.log
#    answers: /var/log/glassgate/answers.log
#    admin: 127.0.0.1:9901
#    envoy: /etc/glassgate/gateway.yaml

# Whose bundles count: the anchors that the gateways pin.
anchors: []
#  - anchors.json

# Senders from elsewhere; \`glassgate ledger token NAME\` makes a token and prints these lines:
senders: []

listen: { address: "127.0.0.1:7070" }
`;
