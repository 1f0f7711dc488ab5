/** Filters that neither judge nor change what was judged, and those that are known to hurt: by their configuration's type. */

export const http = (name: string): string => `envoy.extensions.filters.http.${name}`;

/** They leave the request as it is, or only refuse it. */
export const HARMLESS_FILTERS: ReadonlySet<string> = new Set(
  [
    ...["cors.v3.Cors", "buffer.v3.Buffer", "compressor.v3.Compressor", "decompressor.v3.Decompressor"],
    ...["fault.v3.HTTPFault", "health_check.v3.HealthCheck", "grpc_stats.v3.FilterConfig", "csrf.v3.CsrfPolicy"],
    ...["bandwidth_limit.v3.BandwidthLimit", "admission_control.v3.AdmissionControl", "cdn_loop.v3.CdnLoopConfig"],
    ...["adaptive_concurrency.v3.AdaptiveConcurrency", "stateful_session.v3.StatefulSession", "on_demand.v3.OnDemand"],
    ...[
      "local_ratelimit.v3.LocalRateLimit",
      "ratelimit.v3.RateLimit",
      "rate_limit_quota.v3.RateLimitQuotaFilterConfig",
    ],
    ...["grpc_web.v3.GrpcWeb", "alternate_protocols_cache.v3.FilterConfig", "ip_tagging.v3.IPTagging"],
    "router.v3.Router",
  ].map(http),
);

/** Their per-route forms. */
export const HARMLESS_PER_ROUTE: ReadonlySet<string> = new Set(
  [
    ...["cors.v3.CorsPolicy", "buffer.v3.BufferPerRoute", "compressor.v3.CompressorPerRoute", "fault.v3.HTTPFault"],
    ...["csrf.v3.CsrfPolicy", "local_ratelimit.v3.LocalRateLimit", "ratelimit.v3.RateLimitPerRoute"],
    ...[
      "stateful_session.v3.StatefulSessionPerRoute",
      "bandwidth_limit.v3.BandwidthLimit",
      "on_demand.v3.PerRouteConfig",
    ],
    ...["rate_limit_quota.v3.RateLimitQuotaOverride"],
  ].map(http),
);

/** What is known to be wrong wherever the glassgate filter stands: why, and the mend. */
export const BAD_FILTERS: ReadonlyMap<string, readonly [why: string, mend: string]> = new Map(
  (
    [
      [
        "cache.v3.CacheConfig",
        "a cache answers from what it stored: without a verdict, without a record",
        "take it out",
      ],
      [
        "cache_v2.v3.CacheV2Config",
        "a cache answers from what it stored: without a verdict, without a record",
        "take it out",
      ],
      ["tap.v3.Tap", "tap writes whole requests down, the grant among their headers", "take it out"],
      [
        "dynamic_forward_proxy.v3.FilterConfig",
        "the request's host chooses where it goes: one grant's host is no upstream of yours",
        "route to clusters that are named",
      ],
    ] as const
  ).map(([name, why, mend]) => [http(name), [why, mend]]),
);

/** They make another request of it: behind the verdict that is another one than was judged. */
export const CHANGING_FILTERS: ReadonlySet<string> = new Set(
  [
    ...["grpc_json_transcoder.v3.GrpcJsonTranscoder", "grpc_http1_bridge.v3.Config"],
    ...["grpc_http1_reverse_bridge.v3.FilterConfig", "connect_grpc_bridge.v3.FilterConfig"],
    ...["grpc_json_reverse_transcoder.v3.GrpcJsonReverseTranscoder", "json_to_metadata.v3.JsonToMetadata"],
  ].map(http),
);

/** Network filters that change nothing about who may pass. */
export const HARMLESS_NETWORK: ReadonlySet<string> = new Set(
  [
    ...["connection_limit.v3.ConnectionLimit", "local_ratelimit.v3.LocalRateLimit", "rbac.v3.RBAC", "echo.v3.Echo"],
    ...["direct_response.v3.Config", "ratelimit.v3.RateLimit", "ext_authz.v3.ExtAuthz"],
  ].map((name) => `envoy.extensions.filters.network.${name}`),
);

export const HARMLESS_LISTENER: ReadonlySet<string> = new Set(
  [
    ...["tls_inspector.v3.TlsInspector", "http_inspector.v3.HttpInspector", "original_dst.v3.OriginalDst"],
    ...["local_ratelimit.v3.LocalRateLimit"],
  ].map((name) => `envoy.extensions.filters.listener.${name}`),
);
