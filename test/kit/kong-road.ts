/** The filter on the Node host that runs the release build as Kong does. */
import { FilterHost } from "../../control/host/host.js";
import { ngxProfile } from "../../control/host/ngx/profile.js";
import type { FilterRoad, Line } from "./kong-front.js";

/** @param nodeId as the Kong says it of itself */
export async function nodeRoad(nodeId: string): Promise<FilterRoad> {
  const host = await FilterHost.loadAs(ngxProfile(), { nodeId });
  const running = new Map<string, string>();
  return {
    send: async (sent, { id, configuration }, onward) => {
      if (running.get(id) !== configuration) host.configure(configuration, id);
      running.set(id, configuration);
      const pseudo: Line[] = [
        [":method", sent.method],
        [":path", sent.target],
      ];
      const { outcome, close } = host.open({
        ...{ listener: id, sourceAddress: "127.0.0.1", headers: [...pseudo, ...sent.lines] },
      });
      const audit = outcome.said.get("audit");
      const { reply } = outcome;
      const answered =
        reply === undefined
          ? await onward({ ...sent, lines: outcome.headers.filter(([name]) => !name.startsWith(":")) })
          : { status: reply.status, lines: reply.headers, body: reply.body };
      close();
      return { ...answered, audit };
    },
    stop: async () => {},
  };
}
