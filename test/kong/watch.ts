/** What the build for Kong asks of its host: a call that it has no business to make fails the test, although the host would answer it. */
import { expect } from "vitest";
import { BufferKind, HeaderMapKind, type Status } from "../../control/host/abi.js";
import type { MadeCall } from "../../control/host/environment.js";
import type { GuestMemory } from "../../control/host/guest.js";

/** The header or the property that a call is about. Of a request there are its own headers here, and one place to write to. */
function subjectOf({ name, args, memory }: MadeCall): string {
  const text = (at: number): string => memory.text(Number(args[at]), Number(args[at + 1]));
  if (name.includes("_header_map_")) expect(args[0], name).toBe(HeaderMapKind.Request);
  if (name === "proxy_get_buffer_bytes") expect(args[0], name).toBe(BufferKind.PluginConfiguration);
  if (name === "proxy_send_local_response") expect(args[7], "a gRPC status").toBe(-1);
  if (name.endsWith("_header_map_value")) return text(1);
  if (!name.endsWith("_property")) return "";
  const property = text(0).replaceAll("\0", ".");
  if (name === "proxy_set_property") expect(property).toMatch(/^kong\.ctx\.shared\./);
  return property;
}

export class Watch {
  /** In the host's place: by call and subject. */
  readonly answers = new Map<string, Status>();
  calls: string[] = [];
  memory: GuestMemory | undefined;

  see(call: MadeCall): Status | undefined {
    this.calls.push(call.name);
    this.memory = call.memory;
    return this.answers.get(`${call.name} ${subjectOf(call)}`);
  }
}
