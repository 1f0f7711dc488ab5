/** Which host this build is for. scripts/build-filter.mjs reads another name here for each other host. */
export * from "./envoy";
