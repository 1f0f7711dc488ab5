/** The http filters of one connection manager, judged in order: what guards it, and what stands round the glassgate filter. */
import type { Anchors } from "../../trust/anchors.js";
import { type Entry, judgeSkipping } from "./chain.js";
import { judgeApiKeyAuth, judgeBasicAuth, judgeExtAuthz, judgeOAuth2 } from "./filters/authz.js";
import { judgeHeaderMutation, type Place } from "./filters/headers.js";
import { judgeJwt, jwtSkipped } from "./filters/jwt.js";
import { judgeSettings } from "./filters/limits.js";
import { BAD_FILTERS, CHANGING_FILTERS, HARMLESS_FILTERS } from "./filters/others.js";
import { judgeRules, RBAC_MEND } from "./filters/rbac.js";
import { Skipped } from "./filters/skipped.js";
import { judgeState } from "./filters/state.js";
import { ALWAYS_STRIPPED, judgeAgreement, judgeConfiguration, type Plugin, readPlugin } from "./filters/wasm.js";
import { AUTHENTICATION, EXT_AUTHZ, http, isGuardType, JWT, mentionsVerdict, placeOf, RBAC, WASM } from "./kinds.js";
import { judgeAccessLogs } from "./logs.js";
import type { Message, Typed } from "./message.js";

/** How one manager is guarded. */
export interface Guarding {
  readonly plugins: readonly Plugin[];
  /** Whether nobody passes without a credential, or without the verdict. */
  readonly isClosed: boolean;
  /** Whether no trailer of a client's is left. */
  readonly dropsTrailers: boolean;
  readonly glassgate: Entry | undefined;
}

interface Judged {
  readonly closes: boolean;
  readonly dropsTrailers?: boolean;
  readonly plugin?: Plugin;
}

export class Chain {
  readonly glassgate: Entry | undefined;
  private readonly strip: readonly string[] | undefined;
  private readonly isRequired: boolean;
  private readonly ours: readonly Plugin[];

  constructor(
    readonly entries: readonly Entry[],
    private readonly manager: Message,
    private readonly anchors: Anchors | undefined,
  ) {
    this.glassgate = entries.find(({ isGlassgate }) => isGlassgate);
    this.ours = (this.glassgate?.configs ?? []).map(({ message }) => readPlugin(message, true));
    this.strip = stripOf(this.ours);
    this.isRequired = this.ours.some(({ configuration }) => configuration.require === true);
  }

  private placeOf(entry: Entry): Place {
    return placeOf(this.entries, entry);
  }

  judge(): Guarding {
    const plugins: Plugin[] = [...this.ours];
    for (const plugin of this.ours) judgeConfiguration(plugin, this.anchors);
    if (this.anchors === undefined) judgeAgreement(this.ours);
    if (this.glassgate !== undefined) this.judgeOurs(this.glassgate);
    let closers = 0;
    let dropsTrailers = false;
    for (const entry of this.entries) {
      if (entry === this.glassgate) continue;
      const judged = entry.configs.map((config) => this.judgeFilter(entry, config));
      for (const { plugin } of judged) if (plugin !== undefined) plugins.push(plugin);
      const isIntact =
        !entry.isDisabled && entry.branches?.some(({ type, onlyOnAllow }) => type !== "" && !onlyOnAllow) !== true;
      const closes = judged.length > 0 && judged.every((one) => one.closes);
      const comesInTime = this.glassgate === undefined || !entry.isSkippedOnAllow || this.placeOf(entry) === "behind";
      if (closes && isIntact && comesInTime) closers++;
      if (!entry.isDisabled && entry.branches === undefined && judged.some((one) => one.dropsTrailers === true))
        dropsTrailers = true;
    }
    if (this.glassgate !== undefined) this.demandGuard(closers);
    return { plugins, isClosed: closers > 0, dropsTrailers, glassgate: this.glassgate };
  }

  private judgeOurs(ours: Entry): void {
    if (ours.isDisabled)
      ours.outer.danger(
        "filter-disabled",
        "the glassgate filter is disabled: no grant is judged, none is removed, nothing is recorded",
        "take disabled out",
      );
    for (const { type, at, onGrantPresent } of ours.branches ?? []) {
      if (type.endsWith(".ExecuteFilterAction") && !onGrantPresent)
        at.danger(
          "filter-conditional",
          "the glassgate filter runs on another condition than the presence of x-break-glass: other grants pass unjudged",
          'match on HttpRequestHeaderMatchInput x-break-glass, safe_regex ".*"',
        );
      else if (type.endsWith(".SkipFilter"))
        at.danger("filter-skipped", "the glassgate filter itself is skipped on a condition", "take the matcher out");
      else if (!type.endsWith(".ExecuteFilterAction"))
        at.unknown("filter-matched", `a matcher decides about the glassgate filter (${type || "without action"})`);
    }
    if (ours.isComposite && this.isRequired)
      ours.outer.danger(
        "require-composite",
        "`require` is on, but behind composite the filter never sees a request without a grant: it denies none of them",
        "put the filter directly into the chain, as in config/envoy-require.yaml",
      );
    if (ours.discovery?.has("default_config") === false)
      ours.discovery.warn(
        "no-default",
        `no default_config: with a bad ECDS file every request ${ours.isComposite ? "with a grant gets 500" : "gets 500, normal callers included"}`,
        "add the filter without a bundle as default_config, as in envoy.yaml",
      );
    const fallback = ours.discovery?.has("default_config") === true ? this.ours.at(-1) : undefined;
    if (fallback?.configuration.bundle !== undefined)
      fallback.at.warn(
        "default-bundle",
        "default_config holds a bundle: with a bad ECDS file at the start it serves, however old it is and whatever was revoked since",
        "leave bundle and revocations to the ECDS file: without them grants get no_trust",
      );
    for (const other of this.entries.filter((entry) => entry.isGlassgate && entry !== ours))
      other.outer.danger("filter-twice", "a second glassgate filter stands in the chain", "leave one");
  }

  private demandGuard(closers: number): void {
    const ours = this.glassgate?.outer ?? this.manager;
    const guards = this.entries.filter((entry) => entry.configs.some(({ type }) => isGuardType(type)));
    const demanding = guards.filter((entry) => entry.type === RBAC && mentionsVerdict(entry));
    if (this.isRequired && demanding.length === 0)
      ours.danger(
        "no-guard",
        "`require` is on and no RBAC filter demands the verdict: with the filter missing every request passes",
        "add the RBAC guard of config/envoy-require.yaml",
      );
    else if (closers === 0 && demanding.length === 0 && guards.length > 0 && guards.every(({ type }) => type === RBAC))
      ours.unknown(
        "only-rbac",
        "RBAC rules alone ask who calls here: whether they keep strangers out is not judged",
        guards[0]?.outer.value,
      );
    else if (closers === 0 && demanding.length === 0 && !guards.some(({ type }) => AUTHENTICATION.has(type)))
      ours.danger(
        "no-guard",
        "nothing behind the glassgate filter asks who calls: every request without a grant passes",
        "add the normal authentication, skipped on the verdict, as in envoy.yaml; or `require` and the RBAC guard",
      );
    if (this.isRequired || demanding.length > 0) return;
    for (const entry of guards.filter(({ type }) => AUTHENTICATION.has(type))) {
      if (entry.branches === undefined)
        entry.outer.warn(
          `not-skipped:${entry.name}`,
          `${entry.name} is not skipped on the verdict: a grant does not pass it`,
          "wrap it in ExtensionWithMatcher as in envoy.yaml",
        );
    }
  }

  private judgeFilter(entry: Entry, config: Typed): Judged {
    const { type, message } = config;
    const place = this.placeOf(entry);
    const skipped = new Skipped(this.strip, entry.isSkippedOnAllow && this.glassgate !== undefined);
    if (isGuardType(type)) this.judgeGuardPlace(entry);
    switch (type) {
      case JWT:
        jwtSkipped(message, skipped);
        return { closes: judgeJwt(message) };
      case RBAC:
        return { closes: this.judgeRbac(entry, message) };
      case EXT_AUTHZ:
        return { closes: judgeExtAuthz(message, skipped, this.glassgate !== undefined && place === "before") };
      case http("basic_auth.v3.BasicAuth"):
        return { closes: judgeBasicAuth(message, skipped) };
      case http("api_key_auth.v3.ApiKeyAuth"):
        return { closes: judgeApiKeyAuth(message, skipped) };
      case http("oauth2.v3.OAuth2"):
        return { closes: judgeOAuth2(message, skipped) };
      case http("header_mutation.v3.HeaderMutation"):
        return { closes: false, dropsTrailers: judgeHeaderMutation(message, place) };
      case WASM: {
        const plugin = readPlugin(message, false);
        entry.outer.unknown(
          `filter:${entry.name}:${type}`,
          `${entry.name} is a Wasm plugin: it can write the filter state that the guards read (wasm.*), and change the request`,
        );
        return { closes: false, plugin };
      }
      default:
        if (judgeState(type, message)) return { closes: false };
        this.judgeOther(entry, type, message, place);
        return { closes: false };
    }
  }

  private judgeGuardPlace(entry: Entry): void {
    if (entry.isDisabled)
      entry.outer.danger(
        `guard-disabled:${entry.name}`,
        `${entry.name} is disabled: it guards nothing`,
        "take disabled out",
      );
    judgeSkipping(entry);
    if (this.glassgate === undefined || this.placeOf(entry) === "behind") return;
    if (entry.branches !== undefined || mentionsVerdict(entry))
      entry.outer.danger(
        `order:${entry.name}`,
        `${entry.name} judges the verdict but stands before the glassgate filter, which sets it`,
        "move the glassgate filter to the front",
      );
    else if (entry.type !== RBAC)
      entry.outer.warn(
        `order:${entry.name}`,
        `${entry.name} stands before the glassgate filter: it refuses a request with a grant`,
        "move the glassgate filter to the front, and skip it on the verdict",
      );
  }

  private judgeRbac(entry: Entry, message: Message): boolean {
    const { guard, why } = judgeRules(message);
    message.done();
    if (guard === "open")
      entry.outer.danger(
        "guard-open",
        `the RBAC guard does not demand the verdict: ${why}`,
        RBAC_MEND,
        message.at("rules"),
      );
    return guard === "demands the verdict";
  }

  private judgeOther(entry: Entry, type: string, message: Message, place: Place): void {
    const { outer, name } = entry;
    const bad = BAD_FILTERS.get(type);
    if (bad !== undefined) outer.danger(`filter:${type}`, `${name}: ${bad[0]}`, bad[1]);
    else if (CHANGING_FILTERS.has(type) && place === "behind")
      outer.danger(
        `filter:${type}`,
        `${name} makes another request of it behind the verdict`,
        "move it before the glassgate filter",
      );
    else if (type.endsWith(".Router")) judgeRouter(message);
    else if (HARMLESS_FILTERS.has(type)) judgeSettings(type, message, place, name);
    else
      outer.unknown(
        `filter:${name}:${type}`,
        `the filter ${name} (${type || "without type"}) is not known here: can it answer, change the request or write filter state?`,
      );
  }
}

/** What the default and the discovered configuration both remove: each may serve. A template's says nothing about it. */
function stripOf(ours: readonly Plugin[]): readonly string[] | undefined {
  const filledIn = ours.filter(({ isPlaceholder }) => !isPlaceholder);
  const namesOf = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : []);
  const [first, ...rest] = filledIn.map(({ configuration: { strip, keep } }) => [
    ...ALWAYS_STRIPPED.filter((name) => !namesOf(keep).includes(name)),
    ...namesOf(strip),
  ]);
  return first?.filter((name) => rest.every((other) => other.includes(name)));
}

function judgeRouter(router: Message): void {
  judgeAccessLogs(router, "upstream_log");
  for (const filter of router.extensions("upstream_http_filters"))
    if (!filter.type.endsWith(".upstream_codec.v3.UpstreamCodec"))
      filter.outer.unknown(
        `upstream-filter:${filter.type || filter.name}`,
        `${filter.name} stands between the verdict and the upstream: it may make another request of it`,
      );
  router.harmless(
    "strict_check_headers",
    "dynamic_stats",
    "start_child_span",
    "suppress_envoy_headers",
    "respect_expected_rq_timeout",
  );
  router.harmless(
    "suppress_grpc_request_failure_code_stats",
    "upstream_log_options",
    "reject_connect_request_early_data",
  );
  router.done();
}
