/** The two routes of a break-glass way through one Kong, as the file says them: what the chain stands on, and what lies behind. */
import type { Value } from "../verify/value.js";
import { configurationIn, type UpstreamHeader, upstreamHeaderOf } from "./configuration.js";
import type { Entities, Entity } from "./entities.js";
import { FILTER_NAME } from "./names.js";

export interface Pair {
  readonly chain: Entity;
  readonly filter: Value;
  /** The filter's configuration, where it can be read. */
  readonly configuration: Readonly<Record<string, unknown>> | undefined;
  readonly header: UpstreamHeader | undefined;
  /** The route that callers take, and the service that leads back to this Kong. */
  readonly front: Entity | undefined;
  readonly hop: Entity | undefined;
  readonly upstream: Entity | undefined;
  /** The host by which the hop's requests are routed. */
  readonly hopHost: string | undefined;
  /** Routes that take them. */
  readonly backs: readonly Entity[];
}

/** Without userinfo, backslashes and the like, of which Kong's reader and others make different hosts. */
const PLAIN_URL = /^([a-z]+):\/\/([a-z0-9._-]+|\[[0-9a-f:.]+\])(?::(\d{1,5}))?(\/[!-~]*)?$/i;

/** Protocol, host and port of a service, also where it is written as one `url`, which wins. No host where that is no plain one. */
export function placeOf(service: Entity): { protocol: string; host: string; port: string; path: string | undefined } {
  const url = service.text("url");
  if (url !== undefined) {
    const [, protocol = "", host = "", port, path] = PLAIN_URL.exec(url) ?? [];
    const scheme = protocol.toLowerCase();
    return {
      ...{ protocol: scheme, host: host.toLowerCase(), port: port ?? (scheme === "https" ? "443" : "80") },
      path: path === "/" ? undefined : path,
    };
  }
  const protocol = service.text("protocol") ?? "http";
  const host = (service.text("host") ?? "").toLowerCase();
  return { protocol, host, port: service.text("port") ?? "80", path: service.text("path") };
}

/** As a route's host matches: exactly, or with a leading or trailing `*`; a port counts only where the pattern has one. */
export function fitsHost(pattern: string, host: string): boolean {
  const bare = (text: string): string => text.toLowerCase().replace(/:\d+$/, "");
  const [wanted, given] = [bare(pattern), bare(host)];
  if (wanted.startsWith("*.")) return given.endsWith(wanted.slice(1));
  if (wanted.endsWith(".*")) return given.startsWith(wanted.slice(0, -1));
  return wanted === given;
}

const isOurs = (filter: Value): boolean => filter.map?.get("name")?.text === FILTER_NAME;

function pairOf(entities: Entities, chain: Entity, filter: Value): Pair {
  const configuration = configurationIn(filter.map?.get("config")?.toJson());
  const header = configuration === undefined ? undefined : upstreamHeaderOf(configuration);
  const onService = chain.owner("service");
  const front =
    chain.owner("route") ?? (onService === undefined ? undefined : entities.ownedBy("routes", "service", onService)[0]);
  const hop = onService ?? front?.owner("service");
  const place = hop === undefined ? undefined : placeOf(hop);
  const upstream = entities.of("upstreams").find((one) => one.text("name") === place?.host);
  const target = upstream === undefined ? undefined : entities.ownedBy("targets", "upstream", upstream)[0];
  const hopHost = upstream?.text("host_header") ?? target?.text("target") ?? place?.host;
  const backs = entities
    .of("routes")
    .filter((route) => route !== front && (route.texts("hosts") ?? []).some((host) => fitsHost(host, hopHost ?? "")));
  return { chain, filter, configuration, header, front, hop, upstream, hopHost, backs };
}

export const pairsIn = (entities: Entities): Pair[] =>
  entities
    .of("filter_chains")
    .flatMap((chain) =>
      (chain.get("filters")?.list ?? []).filter(isOurs).map((filter) => pairOf(entities, chain, filter)),
    );
