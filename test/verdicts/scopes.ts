/** Cases about the request: host, method, path and their tricks. */
import type { Case, CaseRequest } from "./case.js";

const scope = (
  name: string,
  verdict: string,
  request: CaseRequest,
  detail: Record<string, unknown> = {},
  ent = "wide",
): Case => ({
  name,
  verdict,
  request,
  grant: (w) => w.alone({ claims: { ent, authorization_details: [w.detail(detail)] } }),
});

const ambiguous = (piece: string): Case =>
  scope(`the path's piece ${piece}`, "path_ambiguous", { path: `/orders/${piece}/7` });

/** What Envoy itself answers with 400, or normalises away, before any filter: judged by the Node host alone. */
export const rawPaths: readonly string[] = [
  "/orders//7",
  "/orders/./7",
  "/orders/../7",
  "/orders/7/..",
  "/orders/%2f7",
  "/orders/%5C7",
  "/orders\\7",
  "/orders/\x007",
  "/orders/7#x",
  "/orders/%zz",
  "/orders/%41",
  "/orders/%7e",
  "/orders/%2d",
  "/orders/%5F",
  "/orders/%4",
  "/orders/\u00e97",
];

export const scopeCases: readonly Case[] = [
  scope("another method", "scope_method", { method: "DELETE" }),
  scope("HEAD is not GET", "scope_method", { method: "HEAD" }),
  scope("OPTIONS is not GET", "scope_method", { method: "OPTIONS" }),
  scope("HEAD when granted", "allow", { method: "HEAD" }, { actions: ["HEAD"] }),
  scope("another host", "scope_host", { host: "evil.example.com" }),
  scope("a host with the granted one as suffix", "scope_host", { host: "xapi.example.com" }),
  scope("a trailing dot", "scope_host", { host: "api.example.com." }),
  scope("another port", "scope_host", { host: "api.example.com:8443" }),
  scope("the default port", "allow", { host: "api.example.com:80" }),
  scope("the other default port", "allow", { host: "api.example.com:443" }),
  scope("a default port with a zero before it", "scope_host", { host: "api.example.com:080" }),
  scope("a default port in the grant", "allow", {}, { locations: ["api.example.com:443"] }),
  scope("a port in both", "allow", { host: "api.example.com:8443" }, { locations: ["api.example.com:8443"] }),
  scope("upper case in the request", "allow", { host: "API.Example.COM" }),
  scope("an IPv6 literal with port", "allow", { host: "[::1]:8443" }, { locations: ["[::1]:8443"] }),
  scope("another path", "scope_path", { path: "/customers/7" }),
  scope("a deeper path", "scope_path", { path: "/orders/7/items" }),
  scope("* is one segment and not none", "scope_path", { path: "/orders/" }),
  scope("a trailing slash", "scope_path", { path: "/orders/7/" }),
  scope("a case of its own", "scope_path", { path: "/Orders/7" }),
  scope("a query", "allow", { path: "/orders/7?x=/../y%2f;z" }),
  scope("** fits the folder itself", "allow", { path: "/orders" }, { paths: ["/orders/**"] }),
  scope("** fits everything below", "allow", { path: "/orders/a/b/c/" }, { paths: ["/orders/**"] }),
  scope("** fits the root", "allow", { path: "/" }, { paths: ["/**"] }),
  scope("* and ** need one segment", "scope_path", { path: "/orders/" }, { paths: ["/orders/*/**"] }),
  scope("* and ** fit one segment", "allow", { path: "/orders/7" }, { paths: ["/orders/*/**"] }),
  scope("** stays in its folder", "scope_path", { path: "/ordersx" }, { paths: ["/orders/**"] }),
  scope("a literal with an escape", "allow", { path: "/orders/a%20b" }, { paths: ["/orders/a%20b"] }),
  scope("an escape of another case", "scope_path", { path: "/orders/a%c3%a4" }, { paths: ["/orders/a%C3%A4"] }),
  scope("escapes of two, three and four bytes", "allow", { path: "/orders/%c3%a4%E2%82%ac%f0%9f%98%80" }),
  scope("an escape that is no UTF-8, in the query", "allow", { path: "/orders/7?a=%ff%c0%ae%3f%41%" }),
  scope("the detail that got furthest: method", "scope_method", { method: "PUT" }, {}),
  {
    ...scope("the detail that got furthest: path", "scope_path", { path: "/x" }),
    grant: (w) =>
      w.alone({
        claims: {
          ent: "wide",
          authorization_details: [
            w.detail({ actions: ["PUT"] }),
            w.detail({ locations: ["b.example.com"] }),
            w.detail(),
          ],
        },
      }),
  },
  scope("inside the grant, outside the entitlement", "entitlement_scope", { path: "/orders/8" }, {}, "narrow"),
  scope("inside both", "allow", { path: "/orders/7" }, {}, "narrow"),
  scope(
    "a host of the entitlement's other detail",
    "entitlement_scope",
    { host: "other.example.com", method: "POST", path: "/orders/7" },
    { locations: ["other.example.com"] },
    "alone",
  ),
  scope("path parameters", "path_ambiguous", { path: "/orders/7;v=1" }),
  scope("an escaped semicolon", "path_ambiguous", { path: "/orders/7%3Bv=1" }),
  scope("an escaped percent", "path_ambiguous", { path: "/orders/%2541" }),
  scope("an escaped newline", "path_ambiguous", { path: "/orders/%0a" }),
  scope("an escaped DEL", "path_ambiguous", { path: "/orders/%7f" }),
  ...["%3f", "%3F", "%23", "%ff", "%80", "%c3", "%c3%", "%c3%a", "%c3x", "%c3/%a9", "%a9", "%c3%28"].map(ambiguous),
  ...[
    "%c0%ae",
    "%C0%AF",
    "%c1%bf",
    "%e0%80%af",
    "%e0%9f%bf",
    "%ed%a0%80",
    "%ed%bf%bf",
    "%f0%80%80%af",
    "%f0%8f%bf%bf",
  ].map(ambiguous),
  ...["%f4%90%80%80", "%f5%80%80%80", "%f8%88%80%80%80", "%e2%82", "%c3%a9%a9", "%c3%41", "%zz", "%4", "%u002e"].map(
    ambiguous,
  ),
];

/** A path that is refused before the grant is even read. */
export const ambiguousBeforeAll: Case = {
  name: "an ambiguous path and no grant worth the name",
  verdict: "path_ambiguous",
  grant: () => "nonsense",
  request: { path: "/a;b" },
};
