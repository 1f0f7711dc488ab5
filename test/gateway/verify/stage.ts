/** One Envoy with a listener for each dangerous change, and one for each file without any. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseDocument } from "yaml";
import { z } from "zod";
import { renderGateway } from "../../../control/gateway/render.js";
import { wasmPath } from "../../../control/host/wasm.js";
import { anchorsOf, startTestEnvoy, type TestEnvoy } from "../../kit/envoy.js";
import type { World } from "../../kit/world.js";
import { type Change, changes } from "./changes.js";
import { ACCESS, ANSWERS, AUDIT, all, type Base, direct, type Edit, edited, FILTERS, remove, set } from "./files.js";

const named = z.looseObject({ name: z.string() });
const config = z.looseObject({
  static_resources: z.looseObject({ listeners: z.array(named), clusters: z.array(named) }),
});

type Shown = Pick<Change, "name" | "base" | "edit" | "filterMissing">;
const untouched = (base: Base): Shown => ({
  name: `good ${base}`,
  base,
  edit: () => {},
  filterMissing: base === "require",
});

const slug = (name: string): string => name.replace(/[^a-z]+/gi, "-");

export interface Stage {
  readonly test: TestEnvoy;
  /** What that Envoy was started with. */
  readonly config: string;
  portOf(name: string, listener?: number): number;
  logOf(name: string, kind: "audit" | "access" | "answers"): string;
  stop(): Promise<void>;
}

/** The rendered `require` file for the same filter and upstream as the standard one. */
function required(standard: string, world: World): string {
  const port = /address: 127\.0\.0\.1, port_value: (\d+) \} \} \} *(?:\}|$)/m.exec(
    standard.slice(standard.indexOf("clusters:")),
  )?.[1];
  return renderGateway({
    anchors: anchorsOf(world),
    wasmPath,
    ecdsPath: /path: (.*glassgate\.json)/.exec(standard)?.[1] ?? "",
    listen: { host: "127.0.0.1", port: 0 },
    upstream: { host: "127.0.0.1", port: Number(port) },
    require: true,
  });
}

export async function startStage(world: World): Promise<Stage> {
  const folder = mkdtempSync(join(tmpdir(), "glassgate-changes-"));
  const logOf: Stage["logOf"] = (name, kind) => join(folder, `${slug(name)}.${kind}`);
  const logs = (name: string): Edit =>
    all(
      set([...AUDIT, "typed_config", "path"], logOf(name, "audit")),
      set([...ACCESS, "typed_config", "path"], logOf(name, "access")),
      set([...ANSWERS, "typed_config", "path"], logOf(name, "answers")),
    );
  let built = "";
  const build = (standard: string): string => {
    const bases: Readonly<Record<Base, string>> = {
      standard,
      require: required(standard, world),
      direct: edited(standard, direct),
    };
    const whole = config.parse(parseDocument(standard).toJS());
    const { listeners, clusters } = whole.static_resources;
    const shown = changes.filter(({ effect }) => effect !== undefined);
    for (const { name, base = "standard", edit, filterMissing } of [
      untouched("standard"),
      untouched("require"),
      ...shown,
    ]) {
      const missing: Edit = filterMissing === true ? remove([...FILTERS, 0]) : () => {};
      const text = edited(bases[base], all(logs(name), edit, missing));
      let parts = JSON.stringify(config.parse(parseDocument(text).toJS()).static_resources);
      for (const cluster of config.shape.static_resources.parse(JSON.parse(parts)).clusters) {
        const known = clusters.find((other) => other.name === cluster.name);
        if (known === undefined) clusters.push(cluster);
        else if (JSON.stringify(known) !== JSON.stringify(cluster)) {
          const own = `${cluster.name}-${slug(name)}`;
          parts = parts.replaceAll(`"${cluster.name}"`, `"${own}"`);
          clusters.push({ ...cluster, name: own });
        }
      }
      config.shape.static_resources.parse(JSON.parse(parts)).listeners.forEach((listener, i) => {
        listeners.push({ ...listener, name: `${slug(name)}-${i}` });
      });
    }
    built = JSON.stringify(whole, undefined, 1);
    return built;
  };
  const test = await startTestEnvoy(world, { concurrency: 1, edit: build });
  await test.configure(world.configuration({ configuration: { strip: ["x-jwt-payload"] } }));
  return {
    test,
    config: built,
    logOf,
    portOf: (name, listener = 0) => test.envoy.ports[`${slug(name)}-${listener}`] ?? 0,
    stop: async () => {
      await test.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
