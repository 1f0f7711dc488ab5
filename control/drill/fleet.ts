/** A gateway of the drill file, with what its own configuration says of it. */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { parseDocument } from "yaml";
import { z } from "zod";
import { UserError } from "../base/errors.js";
import { readBytes, readText } from "../base/files.js";
import { visible } from "../base/text.js";
import { Gateway } from "../caller/gateway.js";
import { auditLogOf } from "../gateway/audit-log.js";
import { headersOfSkippedFilters } from "../gateway/config.js";
import { member, type RenderedFilter, readRenderedFilter } from "../gateway/rendered.js";
import { readSurroundings } from "../gateway/surroundings.js";
import { publicKeySchema } from "../signer/jwk.js";
import { type Anchors, domainOf } from "../trust/anchors.js";
import type { DrillFile } from "./file.js";
import type { FleetGateway, NotProbed, Target } from "./model.js";
import { routesOf } from "./routes.js";

const pinned = z.looseObject({ audience: z.string(), threshold: z.number(), roots: z.array(publicKeySchema) });

/** As config/envoy-tls.yaml has it. */
export const ANY_CERTIFICATE = "trust_chain_verification: ACCEPT_UNTRUSTED";

interface Around {
  readonly config: string | undefined;
  readonly ca: string | undefined;
  readonly caller: FleetGateway["caller"];
  readonly certificate: FleetGateway["certificate"];
  readonly target: Target;
  readonly anchors: Anchors;
  /** @param member of the gateway in the drill file */
  readonly refuseAt: (member: string | undefined, message: string) => never;
}

function modulePath(filter: RenderedFilter | undefined): string | undefined {
  const file = member(filter?.config, "vm_config", "code", "local", "filename");
  return typeof file === "string" && existsSync(file) ? file : undefined;
}

const digestOf = (file: string): string => createHash("sha256").update(readBytes(file, "the filter")).digest("hex");

/** In clear only to this machine, with authorities that can be used: as any caller sends a grant. */
function checkWay(url: string, { ca, certificate, refuseAt }: Around): void {
  const check = (member: string, options: ConstructorParameters<typeof Gateway>[0]): void => {
    try {
      new Gateway(options);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      refuseAt(member, `${error.message} ${error.hint ?? ""}`.trim());
    }
  };
  check("url", { url: url.replace(/\/$/, ""), ...(ca === undefined ? {} : { ca }) });
  if (certificate === undefined) return;
  if (!url.startsWith("https:")) refuseAt("certificate", "is shown over TLS alone, and `url` begins with http://");
  check("certificate", certificate);
}

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

function pinnedBy(filter: RenderedFilter): z.infer<typeof pinned> | undefined {
  try {
    return pinned.safeParse(JSON.parse(String(member(filter.config, "configuration", "value")))).data;
  } catch {
    return undefined; // Another's configuration: what serves is looked at before the first request.
  }
}

/** A configuration of another environment, or with other roots, is somebody else's gateway. */
function checkPinned(filter: RenderedFilter, file: string, { anchors, refuseAt }: Around): void {
  const own = pinnedBy(filter);
  if (own === undefined) return;
  if (own.audience !== anchors.audience)
    refuseAt(
      "config",
      `${file} is for the audience ${visible(own.audience)}, and the project for ${anchors.audience}: it is another environment's gateway`,
    );
  if (domainOf({ ...anchors, roots: own.roots }) !== domainOf(anchors) || own.threshold !== anchors.threshold)
    refuseAt(
      "config",
      `${file} pins other roots, or another threshold, than anchors.json of the project: it is no gateway of this project`,
    );
}

export function readFleetGateway(
  given: DrillFile["gateways"][number],
  around: Around,
): { gateway: FleetGateway; notProbed: readonly NotProbed[] } {
  const { config, ca, caller, certificate, target, refuseAt } = around;
  checkWay(given.url, around);
  const text = config === undefined ? undefined : readText(config, "the gateway's configuration");
  const filter = text === undefined || config === undefined ? undefined : filterIn(text, config);
  if (filter?.nodeId !== undefined && filter.nodeId !== given.id)
    refuseAt("id", `is ${visible(given.id)}, and ${given.config} is of the gateway ${visible(filter.nodeId)}`);
  if (filter !== undefined) checkPinned(filter, given.config ?? "", around);
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
      auditLog: config === undefined ? undefined : auditLogOf(config),
      caller,
      routes,
      skipped: text === undefined ? [] : headersOfSkippedFilters(parseDocument(text)),
      isHarmless: given.harmless,
      accept: given.accept,
      certificate,
      takesAnyCertificate: given.url.startsWith("https:") && text?.includes(ANY_CERTIFICATE) === true,
    },
    notProbed: found.notProbed,
  };
}
