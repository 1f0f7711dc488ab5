/**
 * `gateway verify` of a declarative Kong file: a walk from each chain that holds the filter to the upstream. Each entity, member and
 * plugin on the way is known to be good, known to be bad, or not understood.
 */
import { visible } from "../../../base/text.js";
import { type Anchors, domainOf } from "../../../trust/anchors.js";
import { configurationSchema } from "../../../trust/configuration.js";
import { anchorChanges } from "../../push-preflight.js";
import { type Finding, Findings } from "../../verify/findings.js";
import { load } from "../../verify/load.js";
import { Entities } from "../entities.js";
import { type Pair, pairsIn } from "../pair.js";
import { kongRefusalOf } from "../refusal.js";
import { Walk } from "./context.js";
import { judgeGuard } from "./guard.js";
import { judgeOtherWays } from "./other-ways.js";
import { judgePlugins } from "./plugins.js";
import { judgeChain, judgeRoutes } from "./routes.js";

/** Members of the file that have no say in where a request goes. */
const HEAD = new Set([
  ...["_format_version", "_transform", "_comment", "_info", "_workspace"],
  ...["certificates", "ca_certificates", "snis", "vaults", "keys", "key_sets", "parameters"],
  ...["basicauth_credentials", "jwt_secrets", "hmacauth_credentials", "oauth2_credentials", "oauth2_tokens"],
]);

/** Only kong.conf says these. */
const UNCHECKED = [
  "kong.conf: `trusted_ips` must not hold 127.0.0.1 (every allowed request would be denied) nor every address (a header would say who comes from loopback)",
  "kong.conf: `wasm = on` and `wasm_filters_path`, with glassgate.wasm and glassgate.meta.json there",
  "kong.conf: `untrusted_lua_sandbox_environment = kong.ctx`, without which no record leaves",
];

function judgeFile(entities: Entities, walk: Walk): void {
  for (const [name, value] of entities.others()) {
    if (!HEAD.has(name))
      walk.unknown(value, `member:${name}@file`, `what ${name} does to the routes below is not known`);
    if (name === "_format_version" && value.text !== "3.0" && value.text !== "3")
      walk.unknown(value, "format@file", `_format_version ${value.text ?? ""} is not the one that is read here (3.0)`);
  }
}

async function judgeConfiguration(walk: Walk, pair: Pair, anchors: Anchors | undefined): Promise<void> {
  const { chain, filter, configuration, header } = pair;
  const { label } = chain;
  const at = filter.map?.get("config") ?? filter;
  if (configuration === undefined) {
    walk.danger(
      at,
      `no-configuration@${label}`,
      "the filter's configuration is neither an object nor a JSON text: it denies every grant",
      "render it again",
    );
    return;
  }
  if (header === undefined)
    walk.danger(
      at,
      `no-upstream-header@${label}`,
      "the filter sends no key (upstream_header): if the second route lets its requests in, it lets in everybody's",
      "render it again, or push: both draw one",
    );
  if (configuration.roots === undefined) {
    walk.danger(
      at,
      `no-anchors@${label}`,
      "the filter has no roots: it denies every grant",
      "render it with your anchors",
    );
    return;
  }
  const refusal = await kongRefusalOf(configuration);
  if (refusal !== undefined)
    walk.danger(
      at,
      `refused-by-filter@${label}`,
      `the filter cannot use its configuration, and denies every grant: ${refusal}`,
      "mend that member; `glassgate gateway render` and `push` write none that is refused",
    );
  const pinned = configurationSchema.loose().safeParse(configuration).data;
  if (anchors !== undefined && pinned !== undefined && domainOf(pinned) !== domainOf(anchors))
    walk.danger(
      at,
      `other-anchors@${label}`,
      `the filter is pinned to other anchors than these: ${anchorChanges(pinned, anchors).join("; ")}`,
      "push with these at a terminal and answer yes, or name the file's own",
    );
}

export interface KongVerified {
  readonly findings: readonly Finding[];
  readonly unchecked: readonly string[];
}

/** @param file names the text in errors */
export async function verifyKong(
  text: string,
  file: string,
  { anchors }: { readonly anchors?: Anchors | undefined } = {},
): Promise<KongVerified> {
  const { root, doubles, merges } = load(text, file);
  const found = new Findings();
  for (const { name, line } of doubles)
    found.add("warning", line, `double:${name}@`, `${name} stands twice in one map: Kong takes the last`, "leave one");
  for (const line of merges)
    found.add("not understood", line, "merge@", "Kong may not read YAML merges", "write the members out");
  const entities = new Entities(root, found);
  const walk = new Walk(entities, found);
  judgeFile(entities, walk);
  const pairs = pairsIn(entities);
  if (pairs.length === 0)
    walk.danger(
      root,
      "no-filter@file",
      "no filter chain here holds the filter glassgate",
      "start from `glassgate gateway render --for kong`",
    );
  for (const plugin of entities.of("plugins"))
    if (plugin.text("name") === "glassgate")
      walk.danger(
        plugin.value,
        `as-plugin@${plugin.label}`,
        "the filter stands here as a plugin, with no second route behind it: where it is missing or broken, Kong lets requests pass",
        "make it a filter chain, as `glassgate gateway render --for kong` does",
      );
  const hops = new Set(pairs.flatMap(({ hop }) => hop ?? []));
  const backs = new Set(pairs.flatMap((pair) => pair.backs));
  for (const pair of pairs) {
    judgeChain(walk, pair);
    await judgeConfiguration(walk, pair, anchors);
    const back = judgeRoutes(walk, pair, hops);
    if (back !== undefined) judgeGuard(walk, back, pair);
    if (pair.front !== undefined) judgePlugins(walk, pair.front, back);
    if (back !== undefined) judgeOtherWays(walk, back, backs);
  }
  return { findings: found.list, unchecked: UNCHECKED.map(visible) };
}
