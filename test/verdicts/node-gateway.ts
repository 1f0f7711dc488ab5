/** The Node host as a gateway of the suite. Behind it nobody is let through but by the verdict, as with jwt_authn. */
import { readAuditLines } from "../../control/base/audit.js";
import { FilterHost } from "../../control/host/host.js";
import { CLIENT, DEFAULTS, type Gateway, type Observed, type Sent } from "./driver.js";

/** @param wasm the filter, where it is not the release */
export async function nodeGateway(wasm?: Uint8Array): Promise<Gateway> {
  const host = await FilterHost.load({ nodeId: "test-gateway", ...(wasm === undefined ? {} : { wasm }) });
  let count = 0;
  const one = ({
    grants,
    proofs = [],
    headers = {},
    method = DEFAULTS.method,
    host: authority = DEFAULTS.host,
    path = DEFAULTS.path,
  }: Sent): Observed => {
    count += 1;
    const grantLines = grants.map((grant): [string, string] => ["x-break-glass", grant]);
    const outcome = host.request({
      sourceAddress: CLIENT,
      headers: [
        [":method", method],
        [":path", path],
        [":authority", authority],
        ["x-request-id", `request-${count}`],
        ...grantLines,
        ...proofs.map((proof): [string, string] => ["dpop", proof]),
        ...Object.entries(headers),
      ],
    });
    const state = (key: string): string | undefined => outcome.filterState.get(`wasm.glassgate.${key}`);
    const text = state("audit");
    const audit = text === undefined ? undefined : readAuditLines(text);
    const details = outcome.reply?.details;
    const seen = { verdict: state("verdict"), audit: audit?.record, evidence: audit?.evidence, details };
    const logged = JSON.stringify([...outcome.filterState]);
    if (outcome.reply !== undefined) {
      return {
        ...seen,
        logged,
        status: outcome.reply.status,
        headers: Object.fromEntries(outcome.reply.headers),
        body: outcome.reply.body,
        upstream: undefined,
      };
    }
    if (seen.verdict !== "allow")
      return { ...seen, logged, status: 401, headers: {}, body: "Jwt is missing", upstream: undefined };
    return {
      ...seen,
      logged,
      status: 200,
      headers: { "cache-control": "no-store" },
      body: "",
      upstream: Object.fromEntries(outcome.headers),
    };
  };
  return {
    name: "the Node host",
    configure: async (text) => {
      const { accepted, reason } = host.configure(text);
      if (!accepted) throw new Error(`refused: ${reason ?? ""}`);
    },
    send: async (requests) => requests.map(one),
    stop: async () => {},
  };
}
