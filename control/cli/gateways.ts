/** Which gateways a command touches, and what came of each: several are pushed one after the other, and none is left unsaid. */
import { Option } from "commander";
import { messageOf, UserError } from "../base/errors.js";
import { readText } from "../base/files.js";
import { plural, visible } from "../base/text.js";
import { Admin } from "../gateway/admin.js";
import { type Held, readHeld } from "../gateway/held.js";
import { KongAdmin } from "../gateway/kong/admin.js";
import { isKongFile } from "../gateway/kong/configuration.js";
import { readKongHeld } from "../gateway/kong/revoke.js";
import { type PushResult, push } from "../gateway/push.js";
import { PushFailure, type PushOutcome, type Standings, standingSentence } from "../gateway/push-outcome.js";
import { keptOptions, type RenderedFilter, readRenderedFilter } from "../gateway/rendered.js";
import type { ConfigurationOptions } from "../trust/configuration.js";
import { collect, type Trusted } from "./context.js";
import { askPerson, paint, resultJson, resultRows, say, warn } from "./output.js";

const DEFAULT_FILE = "gateway.yaml";

export interface GatewayOptions {
  /** The gateways' own files. */
  readonly gateway?: readonly string[];
  readonly admin?: string;
  /** Admin APIs of the Kongs that run the one Kong file among them. */
  readonly kong?: readonly string[];
}

export const gatewayOption = (how = "pushed one after the other", otherwise = `"${DEFAULT_FILE}"`): Option =>
  new Option(
    "--gateway <file>",
    `the gateway's own envoy.yaml, or the declarative file of a Kong; repeat for several, ${how} (default: ${otherwise})`,
  ).argParser(collect);
export const adminOption = (): Option =>
  new Option("--admin <host:port>", "another admin address than the file's, for one gateway").argParser(
    (value: string, before: string | undefined): string => {
      if (before !== undefined)
        throw new UserError("--admin is given twice.", {
          hint: "Name each gateway's own file with --gateway: the admin address is read from there.",
        });
      return value;
    },
  );

export const kongOption = (): Option =>
  new Option(
    "--kong <url>",
    "the Admin API of a Kong that runs the declarative file --gateway; repeat for several (an Enterprise's token: KONG_ADMIN_TOKEN)",
  ).argParser(collect);

export interface EnvoyGateway {
  readonly kind: "envoy";
  readonly file: string;
  readonly filter: RenderedFilter;
  readonly kept: ConfigurationOptions;
  readonly admin: Admin;
}

export interface KongGateway {
  readonly kind: "kong";
  readonly file: string;
  readonly kongs: readonly KongAdmin[];
}

export type Gateway = EnvoyGateway | KongGateway;

/** What its own files hold. */
export const readHeldOf = (gateway: Gateway): Promise<Held | undefined> =>
  gateway.kind === "kong" ? readKongHeld(gateway.file, gateway.kongs) : readHeld(gateway.filter);

/** Where its admin interface is, in words. */
export const addressOf = (gateway: Gateway): string =>
  gateway.kind === "envoy" ? gateway.admin.address : gateway.kongs.map(({ address }) => address).join(", ");

export function readKongs(urls: readonly string[] = []): KongAdmin[] {
  const token = process.env.KONG_ADMIN_TOKEN;
  return [...new Set(urls)].map((url) => new KongAdmin(url, token === "" ? undefined : token));
}

function readGateway(file: string, { admin: address, kong }: GatewayOptions, next: string): Gateway {
  const text = readText(file, "the gateway's configuration", next);
  if (isKongFile(text)) return { kind: "kong", file, kongs: readKongs(kong) };
  const filter = readRenderedFilter(text, file);
  const admin = address ?? filter.adminAddress;
  if (admin === undefined)
    throw new UserError(`${file} does not say where its admin interface listens.`, {
      hint: "It needs `admin.address` with a port; or give --admin HOST:PORT.",
    });
  return { kind: "envoy", file, filter, kept: keptOptions(filter, file), admin: new Admin(admin) };
}

/** All gateways of the command line, read before anything is done. @param next what to do where a file is not there */
export function readGateways(options: GatewayOptions, next = "Write one with `glassgate gateway render`."): Gateway[] {
  const { gateway = [DEFAULT_FILE], admin, kong } = options;
  const files = [...new Set(gateway)];
  if (files.length > 1 && admin !== undefined)
    throw new UserError("--admin names one gateway, and there are several.", {
      hint: "Leave it out: each gateway's admin address is read from its own file.",
    });
  const gateways = files.map((file) => readGateway(file, options, next));
  const kongFiles = gateways.filter(({ kind }) => kind === "kong").length;
  if (kong !== undefined && kongFiles !== 1)
    throw new UserError(
      `--kong goes with one Kong file, and ${kongFiles === 0 ? "there is none" : "there are several"}.`,
      {
        hint: "Name the file that these Kongs run with --gateway kong.yaml: what was pushed, and the upstream key, stand in it.",
      },
    );
  return gateways;
}

/** For what only an Envoy can be brought in the same breath. */
export function readEnvoys(options: GatewayOptions, instead: string): EnvoyGateway[] {
  return readGateways(options).map((gateway) => {
    if (gateway.kind === "envoy") return gateway;
    throw new UserError(`${visible(gateway.file)} is a Kong's file.`, { hint: instead });
  });
}

export interface Pushed {
  readonly gateway: string;
  readonly admin: string;
  readonly outcome: "applied" | PushOutcome;
  readonly version: number;
  readonly standings: Standings;
  readonly result: PushResult | undefined;
  readonly failure: PushFailure | undefined;
}

export async function confirmAnchors(changes: readonly string[]): Promise<boolean> {
  warn("this changes what the gateway trusts:");
  for (const change of changes) say(`  ${change}`);
  return (await askPerson('Type "yes" to pin these anchors at the gateway: ')) === "yes";
}

async function pushOne(
  { file, filter, kept, admin }: EnvoyGateway,
  trusted: Trusted,
  isAnew: boolean,
): Promise<Pushed> {
  const { version } = trusted.claims;
  const known = { gateway: file, admin: admin.address, version };
  say(`Pushing version ${version} to ${file} (${admin.address}) ...`);
  try {
    const pushed = await push({
      filter,
      anchors: trusted.anchors,
      admin,
      bundle: { text: trusted.text, version },
      configuration: kept,
      isAnew,
      confirmAnchors,
      progress: say,
    });
    for (const line of pushed.warnings) warn(line);
    if (pushed.healed)
      warn("a worker's VM had died; a new VM took over, with empty caches. See the gateway's log for the reason");
    return { ...known, outcome: "applied", standings: pushed.standings, result: pushed, failure: undefined };
  } catch (error) {
    if (!(error instanceof PushFailure)) throw error;
    return { ...known, outcome: error.outcome, standings: error.standings, result: undefined, failure: error };
  }
}

/** Pushes to each gateway, whatever came of the others. @param isAnew also where it serves already */
export async function pushToAll(
  gateways: readonly EnvoyGateway[],
  trusted: Trusted,
  isAnew = false,
): Promise<Pushed[]> {
  const pushed: Pushed[] = [];
  for (const gateway of gateways) {
    const one = await pushOne(gateway, trusted, isAnew);
    if (one.failure !== undefined && gateways.length > 1)
      say(`${paint("red", "error:")} ${gateway.file}: ${one.failure.message}`);
    pushed.push(one);
  }
  return pushed;
}

const WORDS: Readonly<Record<Exclude<Pushed["outcome"], "applied">, string>> = {
  refused: "NOT APPLIED",
  overtaken: "OVERTAKEN",
  unreached: "NOT REACHED",
};

/** The line of one gateway: what came of the push, and what holds there now. */
function summary({ outcome, version, standings, result: pushed }: Pushed): string {
  const now = standingSentence(standings);
  if (pushed === undefined || outcome !== "applied")
    return `${outcome === "applied" ? "" : WORDS[outcome]}: version ${version}. ${now}`;
  const vms = `all ${plural(pushed.servingVms, "VM")}`;
  if (pushed.unchanged) return `applied: version ${version} serves already on ${vms}. ${now}`;
  return `applied: version ${version} on ${vms} after ${pushed.milliseconds} ms (generation ${pushed.generation}). ${now}`;
}

function asJson({ gateway, admin, outcome, version, standings, result: pushed, failure }: Pushed): object {
  const { serving, restart } = standings;
  const known = { gateway, admin, outcome, version, serving, restart };
  if (pushed === undefined) return { ...known, error: failure === undefined ? null : messageOf(failure) };
  const { generation, servingVms, healed, unchanged, milliseconds, warnings } = pushed;
  return { ...known, generation, servingVms, healed, unchanged, milliseconds, warnings };
}

/** Says what came of all. The command fails unless all were applied: a single gateway's failure is thrown as it is. */
export function reportPushes(pushed: readonly Pushed[], json: boolean | undefined): void {
  if (json === true) resultJson(pushed.map(asJson));
  const [only] = pushed;
  if (pushed.length === 1 && only !== undefined) {
    if (only.failure !== undefined) throw only.failure;
    if (json !== true) resultRows([summary(only)]);
    return;
  }
  if (json !== true) resultRows(pushed.map((one) => `${visible(one.gateway)}: ${summary(one)}`));
  const failed = pushed.filter(({ outcome }) => outcome !== "applied");
  if (failed.length > 0) process.exitCode = 1;
}

/** The gateways on which the bundle serves now. */
export const reached = (pushed: readonly Pushed[]): string[] =>
  pushed.filter(({ outcome }) => outcome === "applied").map(({ gateway }) => gateway);
