/** A gateway without our filter: what to wrap, and where the filter goes. */
import type { Entry } from "./chain.js";
import type { Findings } from "./findings.js";
import { AUTHENTICATION } from "./kinds.js";
import type { Entrance } from "./listeners.js";
import type { World } from "./world.js";

/** Filters that may stand before ours: they answer preflights or count, and ask nobody who he is. */
const IN_FRONT = /\.(?:cors|health_check|fault|buffer|local_ratelimit|ratelimit)\.v3\./;

const askingIn = ({ manager }: Entrance): readonly Entry[] =>
  (manager?.chain.entries ?? []).filter(({ configs }) => configs.some(({ type }) => AUTHENTICATION.has(type)));

function adviseManager(entrance: Entrance): void {
  const { manager, at, scope } = entrance;
  if (manager === undefined) return;
  const { entries } = manager.chain;
  const asking = askingIn(entrance);
  const first = entries.find(({ type }) => !IN_FRONT.test(type));
  if (asking.length === 0) {
    at.warn(
      "advice-no-authentication",
      `${scope}: nothing asks who calls here, so there is nothing that a grant could pass by`,
      "leave it as it is, or make a break-glass-only listener: `glassgate gateway render --require`",
    );
    return;
  }
  (first?.outer ?? at).warn(
    "advice-place",
    `${scope}: the glassgate filter goes here, before ${first?.name ?? "the router"} (line ${first?.outer.line ?? at.line})`,
    "copy the entries `glassgate` and `no-store` of `glassgate gateway render`",
  );
  for (const { outer, name } of asking)
    outer.warn(
      `advice-wrap:${name}`,
      `${scope}: wrap ${name} (line ${outer.line}) in ExtensionWithMatcher, skipped where the verdict is allow`,
      "as jwt_authn in envoy.yaml; headers that it sets go into the filter's strip",
    );
  at.warn(
    "advice-manager",
    `${scope}: this connection manager also needs one reading of each path, early removal of x-break-glass-grant, and the audit and answers' logs`,
    "copy normalize_path, merge_slashes, path_with_escaped_slashes_action, use_remote_address, early_header_mutation_extensions, access_log_options and the access logs `audit` and `answers` of envoy.yaml",
  );
}

export function advise(world: World, entrances: readonly Entrance[], found: Findings): void {
  const byXds = world.hidesListeners;
  // The filter may stand in a listener that is not here, which is told already: one that asks nobody needs none.
  if (!byXds || entrances.some((entrance) => askingIn(entrance).length > 0))
    found.add(
      "danger",
      world.bootstrap.value,
      "no-filter@",
      byXds
        ? "no glassgate filter stands in this file's own listeners"
        : "no glassgate filter was found in any http_filters",
      byXds
        ? "verify the gateway's config_dump, where the listeners by xDS are"
        : "start from `glassgate gateway render`",
    );
  for (const entrance of entrances) adviseManager(entrance);
}
