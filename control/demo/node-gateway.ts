/** Where no Envoy can be had: the same filter in the Node host. What stands around it in Envoy is not there. */
import { appendFileSync, rmSync } from "node:fs";
import { setTimeout as sleep, setImmediate as turn } from "node:timers/promises";
import { readAuditLines } from "../base/audit.js";
import { FilterHost, type HostRequest } from "../host/host.js";
import { configurationText } from "../trust/configuration.js";
import { type Call, codeIn, type DemoGateway, makeFolders, type OpenStream, recordSchema } from "./gateway.js";
import { HOST, type World } from "./world.js";

/** A filter looks after its open streams each time; as often as it asks for it. */
const TICK_MS = 500;
const NODE_ID = "node-host";
const PATIENCE_MS = 60_000;

function requestOf({ method = "GET", path, host = HOST, headers = {} }: Call): HostRequest {
  const lines = Object.entries(headers).map(([name, value]): [string, string] => [name, value]);
  return { headers: [[":method", method], [":path", path], [":authority", host], ...lines] };
}

export async function nodeGateway(world: World): Promise<DemoGateway> {
  const host = await FilterHost.load({ workers: 2, nodeId: NODE_ID });
  const { folder, records } = makeFolders();
  let generation = 0;
  let bundle = "";
  let revocations: string[] = [];
  const configure = (): void => {
    generation += 1;
    const { accepted, reason } = host.configure(
      configurationText(world.anchors, generation, {
        bundle,
        strip: ["x-jwt-payload"],
        ...(revocations.length === 0 ? {} : { revocations }),
      }),
    );
    if (!accepted) throw new Error(`refused: ${reason ?? ""}`);
  };
  return {
    description:
      "NO ENVOY: the filter in the Node host. Not shown: jwt_authn, normalisation, the access log, the network",
    port: undefined,
    records,
    folder,
    followed: { id: NODE_ID },
    push: async (text, version) => {
      bundle = text;
      configure();
      return `version ${version} in the Node host`;
    },
    revoke: async (text) => {
      revocations = [text];
      configure();
      return "in the Node host";
    },
    call: async (call) => {
      const { method = "GET", path, headers = {} } = call;
      await turn(); // The filter answers at once, and traffic without a pause would leave no turn to anybody else.
      const outcome = host.request(requestOf(call));
      const audit = outcome.filterState.get("wasm.glassgate.audit");
      if (audit !== undefined) appendFileSync(records, `${audit}\n`);
      const found = audit === undefined ? undefined : recordSchema.parse(JSON.parse(readAuditLines(audit).record));
      const told = outcome.reply === undefined ? undefined : codeIn(outcome.reply.body);
      if (outcome.reply !== undefined)
        return { status: outcome.reply.status, upstream: undefined, told, record: found };
      const isLetThrough =
        headers.authorization !== undefined || outcome.filterState.get("wasm.glassgate.verdict") === "allow";
      const upstream = { method, path, headers: Object.fromEntries(outcome.headers) };
      return isLetThrough
        ? { status: 200, upstream, told, record: found }
        : { status: 401, upstream: undefined, told, record: found };
    },
    open: async (call) => {
      const opened = host.open(requestOf(call));
      opened.answer();
      const end = async (): Promise<Awaited<OpenStream["end"]>> => {
        for (const deadline = Date.now() + PATIENCE_MS; Date.now() < deadline; await sleep(TICK_MS)) {
          host.tick();
          if (opened.look().kind !== "continue") break;
        }
        const { kind, filterState } = opened.look();
        opened.close();
        const audit = filterState.get("wasm.glassgate.audit") ?? "";
        appendFileSync(records, `${audit}\n`);
        const { ended } = readAuditLines(audit);
        return {
          how: kind === "continue" ? "not cut" : "cut",
          record: ended === undefined ? undefined : recordSchema.parse(JSON.parse(ended)),
        };
      };
      return { status: opened.outcome.reply?.status ?? 200, end: end() };
    },
    stop: async () => rmSync(folder, { recursive: true, force: true }),
  };
}
