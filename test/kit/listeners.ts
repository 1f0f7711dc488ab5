/** Further listeners in a rendered configuration, each the first one with one change: one Envoy shows all of them. */
import { type Document, parseDocument } from "yaml";
import { z } from "zod";

const shape = z.looseObject({
  static_resources: z.looseObject({ listeners: z.tuple([z.unknown()]).rest(z.unknown()) }),
});

/** @param changes name of the listener -> what to change in it */
export function withListeners(
  rendered: string,
  changes: Readonly<Record<string, (listener: Document) => void>>,
): string {
  const whole = shape.parse(parseDocument(rendered, { merge: true }).toJS({ maxAliasCount: 1000 }));
  const { listeners } = whole.static_resources;
  const text = JSON.stringify(listeners[0]);
  for (const [name, change] of Object.entries(changes)) {
    const listener = parseDocument(text);
    listener.set("name", name);
    change(listener);
    listeners.push(listener.toJS());
  }
  return JSON.stringify(whole, undefined, 1);
}

export const CHAIN = ["filter_chains", 0] as const;
export const MANAGER = [...CHAIN, "filters", 0, "typed_config"] as const;
