/** A gateway of the drill file, with what its own configuration says of it. */
import { existsSync } from "node:fs";
import { UserError } from "../base/errors.js";
import { readBytes, readText } from "../base/files.js";
import { visible } from "../base/text.js";
import { auditLogOf } from "../gateway/audit-log.js";
import { headersOfSkippedFilters } from "../gateway/config.js";
import { writtenDocument } from "../gateway/document.js";
import { member, type RenderedFilter, readRenderedFilter } from "../gateway/rendered.js";
import { readSurroundings } from "../gateway/surroundings.js";
import { sha256Hex } from "../signer/sign.js";
import type { DrillFile } from "./file.js";
import { readKongGateway } from "./kong.js";
import type { FleetGateway, NotProbed } from "./model.js";
import { type Around, checkWay, foreignTo } from "./own.js";
import { routesOf } from "./routes.js";

/** As config/envoy-tls.yaml has it. */
export const ANY_CERTIFICATE = "trust_chain_verification: ACCEPT_UNTRUSTED";

function modulePath(filter: RenderedFilter | undefined): string | undefined {
  const file = member(filter?.config, "vm_config", "code", "local", "filename");
  return typeof file === "string" && existsSync(file) ? file : undefined;
}

const digestOf = (file: string): string => sha256Hex(readBytes(file, "the filter"));

/** One without our filter is a gateway whose filter is off: that shows in what comes of the requests. */
function filterIn(text: string, file: string): RenderedFilter | undefined {
  const { admin } = readSurroundings(text, file);
  try {
    return readRenderedFilter(text, file);
  } catch (error) {
    if (!(error instanceof UserError) || admin === undefined) throw error;
    return undefined;
  }
}

/** Its admin interface, as that very file has it. */
function adminIn(text: string, file: string): string | undefined {
  const { admin } = readSurroundings(text, file);
  return admin === undefined ? undefined : `${admin.host.includes(":") ? `[${admin.host}]` : admin.host}:${admin.port}`;
}

/** Another's configuration that cannot be read: what serves is looked at before the first request. */
function configurationOf(filter: RenderedFilter): unknown {
  try {
    return JSON.parse(String(member(filter.config, "configuration", "value")));
  } catch {
    return undefined; // As above.
  }
}

export function readFleetGateway(
  given: DrillFile["gateways"][number],
  around: Around,
): { gateway: FleetGateway; notProbed: readonly NotProbed[] } {
  const { config, log, ca, caller, certificate, target, anchors, refuseAt } = around;
  checkWay(given.url, around);
  if (given.kong !== undefined) return readKongGateway(given, given.kong, around);
  const text = config === undefined ? undefined : readText(config, "the gateway's configuration");
  const filter = text === undefined || config === undefined ? undefined : filterIn(text, config);
  if (filter?.nodeId !== undefined && filter.nodeId !== given.id)
    refuseAt("id", `is ${visible(given.id)}, and ${given.config} is of the gateway ${visible(filter.nodeId)}`);
  const foreign = filter === undefined ? undefined : foreignTo(anchors, configurationOf(filter));
  if (foreign !== undefined) refuseAt("config", `${given.config} ${foreign}`);
  const admin =
    given.admin ??
    filter?.adminAddress ??
    (text === undefined || config === undefined ? undefined : adminIn(text, config));
  if (admin === undefined)
    refuseAt("config", `${given.config} does not say where its admin interface listens: name it in \`admin\``);
  const module = modulePath(filter);
  const found = text === undefined ? { routes: [], notProbed: [] } : routesOf(text, target.host, given.open);
  const named = given.routes.map((path) => ({ host: target.host, path, name: path }));
  const routes = [...found.routes, ...named.filter((one) => found.routes.every(({ path }) => path !== one.path))];
  return {
    gateway: {
      id: given.id,
      url: given.url.replace(/\/$/, ""),
      ca,
      admin: admin ?? "",
      filterPath: module,
      filter: module === undefined ? undefined : digestOf(module),
      auditLog: log ?? (config === undefined ? undefined : auditLogOf(config)),
      caller,
      routes,
      skipped: text === undefined ? [] : headersOfSkippedFilters(writtenDocument(text)),
      isHarmless: given.harmless,
      accept: given.accept,
      certificate,
      takesAnyCertificate: given.url.startsWith("https:") && text?.includes(ANY_CERTIFICATE) === true,
    },
    notProbed: found.notProbed,
  };
}
