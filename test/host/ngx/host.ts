/** The scripted filter on the Node host as nginx. */
import { FilterHost, type Header, type HostOptions, type Outcome } from "../../../control/host/host.js";
import type { NgxProcess } from "../../../control/host/ngx/process.js";
import { ngxProfile } from "../../../control/host/ngx/profile.js";
import type { NgxOptions } from "../../../control/host/ngx/surroundings.js";
import { linesOf } from "../../kit/headers.js";
import { fixture } from "../compile.js";

export type NgxHost = FilterHost<NgxProcess>;

export async function bare(nginx: NgxOptions = {}, options: HostOptions = {}): Promise<NgxHost> {
  return FilterHost.loadAs(ngxProfile(nginx), { wasm: await fixture("ngx-script"), ...options });
}

/** With a chain that does nothing by itself. */
export async function scripted(configuration = "create: time", nginx: NgxOptions = {}): Promise<NgxHost> {
  const host = await bare(nginx);
  const { accepted, error } = { error: undefined, ...host.configure(configuration) };
  if (!accepted) throw new Error(`refused: ${error ?? ""}`);
  return host;
}

export const REQUEST: readonly Header[] = [
  [":method", "GET"],
  [":path", "/p?q=1"],
  ["host", "h.example"],
];

export const withScript = (script: string, headers: readonly Header[] = []): Header[] => [
  ...REQUEST,
  ...headers,
  ["x-script", script],
];

export const run = (host: NgxHost, script: string, headers: readonly Header[] = []): Outcome =>
  host.request({ headers: withScript(script, headers) });

/** What the upstream gets of that name, in order. */
export const upstream = ({ headers }: Outcome, name: string): string[] => linesOf(headers, name);

export const hex = (text: string): string => Buffer.from(text, "latin1").toString("hex");

/** What was logged meanwhile, to the end of the request; roots have no ids that could be named. */
export function logged(host: NgxHost, work: () => void): string[] {
  const before = host.process.log.length;
  work();
  return host.process.log.slice(before).map(({ text }) => text.replace(/\d{5,}/, "ROOT"));
}
