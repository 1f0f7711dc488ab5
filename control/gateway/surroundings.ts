/** What stands around a gateway by its own configuration: where it listens, where it logs, where its requests go. */
import { mkdirSync } from "node:fs";
import { createServer } from "node:net";
import { dirname } from "node:path";
import { type Document, isMap } from "yaml";
import { messageOf, systemCode, UserError } from "../base/errors.js";
import { visible } from "../base/text.js";
import { child, items, mapsOfType, scalar } from "./config.js";
import { writtenDocument } from "./document.js";

export interface Address {
  readonly host: string;
  readonly port: number;
}

export interface Surroundings {
  readonly listeners: readonly Address[];
  readonly admin: Address | undefined;
  /** Files that Envoy writes: name of the log -> path. */
  readonly logs: readonly { readonly name: string; readonly path: string }[];
  /** The first endpoint of the first cluster. */
  readonly upstream: Address | undefined;
}

function addressOf(document: Document, node: unknown): Address | undefined {
  const host = scalar(document, node, "address", "socket_address", "address");
  const port = scalar(document, node, "address", "socket_address", "port_value");
  return typeof host === "string" && typeof port === "number" ? { host, port } : undefined;
}

/** @param file names the configuration in errors */
export function readSurroundings(text: string, file: string): Surroundings {
  const document = writtenDocument(text);
  const [broken] = document.errors;
  if (broken !== undefined || !isMap(document.contents)) {
    const reason = broken === undefined ? "" : ` ${visible(broken.message.split("\n", 1)[0] ?? "")}`;
    throw new UserError(`${file} is no Envoy configuration.${reason}`, {
      hint: "`glassgate gateway render --output FILE` writes one.",
    });
  }
  const logs = mapsOfType(document, ".HttpConnectionManager").flatMap((manager) =>
    items(document, manager, "access_log").flatMap((log) => {
      const name = scalar(document, log, "name");
      const path = scalar(document, log, "typed_config", "path");
      return typeof path === "string" ? [{ name: typeof name === "string" ? name : "log", path }] : [];
    }),
  );
  const root = document.contents;
  const [cluster] = items(document, root, "static_resources", "clusters");
  const listeners = items(document, root, "static_resources", "listeners").flatMap(
    (listener) => addressOf(document, listener) ?? [],
  );
  const endpoint = child(document, cluster, "load_assignment", "endpoints", 0, "lb_endpoints", 0, "endpoint");
  return {
    listeners,
    admin: addressOf(document, child(document, root, "admin")),
    logs,
    upstream: addressOf(document, endpoint),
  };
}

async function checkFree({ host, port }: Address, what: string, option: string): Promise<void> {
  const server = createServer();
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen({ host, port, exclusive: true }, resolve);
    });
  } catch (error) {
    const code = systemCode(error);
    const reason =
      code === "EADDRINUSE"
        ? "another process has this port"
        : code === "EACCES"
          ? "you may not use this port"
          : visible(messageOf(error));
    throw new UserError(`${what} cannot listen on ${visible(host)}:${port}: ${reason}.`, {
      cause: error,
      hint: `Stop what listens there, or render with another ${option}.`,
      exitCode: 1,
    });
  } finally {
    server.close();
  }
}

/** Asked before Envoy starts: its listeners share a port with another Envoy without a word (SO_REUSEPORT). */
export async function checkPorts({ listeners, admin }: Surroundings): Promise<void> {
  for (const listener of listeners) await checkFree(listener, "The gateway", "--port");
  if (admin !== undefined) await checkFree(admin, "Envoy's admin interface", "--admin-port");
}

export const isDevice = (path: string): boolean => path.startsWith("/dev/");

/** Envoy opens its logs, and does not make their folders. */
export function makeLogFolders({ logs }: Surroundings): void {
  for (const { path } of logs) {
    if (isDevice(path)) continue;
    try {
      mkdirSync(dirname(path), { recursive: true });
    } catch (error) {
      throw new UserError(`The folder of the log ${visible(path)} cannot be made: ${messageOf(error)}.`, {
        cause: error,
        hint: "Render with --log, --audit-log and --answers-log naming files that can be written here.",
      });
    }
  }
}
