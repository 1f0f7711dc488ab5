/**
 * The files by which pushes know of each other: the ECDS file, the last configuration that every worker served, and a record
 * of each bundle whose push began. The record only grows until a newer bundle serves, and its entries are made by link(2),
 * which is atomic and exclusive: so no push can take another's word back, as it could in one file that all of them rewrite.
 */
import { linkSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { systemCode, UserError } from "../base/errors.js";
import { writeText } from "../base/files.js";
import { visible } from "../base/text.js";
import { domainOf } from "../trust/anchors.js";
import { type Bundle, type Deployed, readBundle, readEcds } from "./ecds.js";

/** Not in the watched folder, as each rename there wakes Envoy; and named after it, as another gateway's may stand beside it. */
const beside = (ecdsPath: string, suffix: string): string =>
  join(`${resolve(dirname(ecdsPath))}.push`, `${basename(ecdsPath)}.${suffix}`);

/** The last configuration that every worker served. */
export const goodPath = (ecdsPath: string): string => beside(ecdsPath, "good");
const recordPath = (ecdsPath: string): string => beside(ecdsPath, "pushed");

function remove(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // A record that cannot be written has been warned of; at worst the next push tries that bundle again.
  }
}

export interface Files {
  /** The ECDS file's text; undefined when there is none, or when it cannot be read. */
  readonly text: string | undefined;
  readonly deployed: Deployed | undefined;
  readonly good: Deployed | undefined;
  /** Bundles of this domain whose push began. */
  readonly begun: readonly Bundle[];
}

/** A bundle has half a MiB at most. What is larger, or a pipe that never ends, is none of ours. */
const MAX_BYTES = 8 * 1024 * 1024;

function readIfPossible(path: string): string | undefined {
  try {
    const found = statSync(path);
    return found.isFile() && found.size <= MAX_BYTES ? readFileSync(path, "utf8") : undefined;
  } catch {
    return undefined; // Missing, or of no use: whoever needs to write it says why he cannot.
  }
}

/** Envoy watches the folder that it was told: what is renamed where a link leads to is never seen. A pipe holds everybody up. */
export function refuseOtherThanFile(ecdsPath: string): void {
  const found = lstatSync(ecdsPath, { throwIfNoEntry: false });
  if (found === undefined || found.isFile() || found.isDirectory()) return;
  const what = found.isSymbolicLink() ? "a symbolic link, and Envoy would not see what changes behind it" : "no file";
  throw new UserError(`The ECDS file ${visible(ecdsPath)} is ${what}.`, {
    hint: "Put a file itself there. Where a system such as Kubernetes lays links, let that system bring the configuration.",
  });
}

/** The files of one gateway, as pushes of one domain (audience and roots) see them. Every method is synchronous. */
export class PushFiles {
  private readonly prefix: string;
  /** Payloads that the filter or the gateway has refused: they are newer in nothing. */
  private readonly ignored = new Set<string>();
  /** Payloads that have expired: nobody brings them in again, and what they hold as lowest version stands. */
  private readonly expired = new Set<string>();

  constructor(
    readonly ecdsPath: string,
    private readonly domain: string,
  ) {
    this.prefix = `${domain.slice(0, 16)}-`;
  }

  read(): Files {
    const text = readIfPossible(this.ecdsPath);
    const good = readIfPossible(goodPath(this.ecdsPath));
    return {
      text,
      deployed: text === undefined ? undefined : readEcds(text),
      good: good === undefined ? undefined : readEcds(good),
      begun: this.begun(),
    };
  }

  private begun(): Bundle[] {
    let names: string[];
    try {
      names = readdirSync(recordPath(this.ecdsPath));
    } catch {
      return []; // No push has begun yet.
    }
    return names.flatMap((name) => {
      if (!name.startsWith(this.prefix)) return [];
      const bundle = readBundle(readIfPossible(join(recordPath(this.ecdsPath), name)) ?? "");
      const isKnown =
        bundle !== undefined &&
        name === this.nameOf(bundle.version) &&
        ![this.ignored, this.expired].some((payloads) => payloads.has(bundle.payload));
      return isKnown ? [bundle] : [];
    });
  }

  private nameOf(version: number): string {
    return `${this.prefix}${version}`;
  }

  /** Enters the bundle into the record, whole, and only if its version is not there. Or why the record cannot be kept. */
  begin(bundle: Bundle): "begun" | "another" | { readonly why: string } {
    const folder = recordPath(this.ecdsPath);
    const temporary = join(folder, `.${process.pid}-${Math.random().toString(36).slice(2)}`);
    try {
      mkdirSync(folder, { recursive: true });
      writeFileSync(temporary, bundle.text, { mode: 0o644 });
      linkSync(temporary, join(folder, this.nameOf(bundle.version)));
    } catch (error) {
      const code = systemCode(error);
      const there = this.begun().find(({ version }) => version === bundle.version);
      if (code !== "EEXIST" || there === undefined) return { why: `${folder}: ${code ?? "it cannot be written"}` };
      return there.payload === bundle.payload ? "begun" : "another";
    } finally {
      remove(temporary);
    }
    return "begun";
  }

  /** A bundle that was refused counts no more, wherever it stands. */
  ignore(bundle: Bundle): void {
    this.withdraw(bundle);
    this.ignored.add(bundle.payload);
  }

  /** A bundle that can serve no more. It is brought in no more; where it served, nothing older follows it. */
  passOver(bundle: Bundle): void {
    this.withdraw(bundle);
    this.expired.add(bundle.payload);
  }

  /** Takes a bundle out of the record: the gateway has refused it, or it was never written. */
  withdraw(bundle: Bundle): void {
    remove(join(recordPath(this.ecdsPath), this.nameOf(bundle.version)));
  }

  /** Keeps the served configuration, unless a newer one is kept, and forgets older bundles. Why not, if that cannot be done. */
  keepGood(served: Deployed, version: number): string | undefined {
    const path = goodPath(this.ecdsPath);
    const { good, begun } = this.read();
    if ((this.versionOf(good) ?? 0) > version) return undefined;
    if (statSync(path, { throwIfNoEntry: false })?.isFIFO() === true) return `${path}: it is a pipe`;
    try {
      if (good?.text !== served.text) writeText(path, served.text);
    } catch (error) {
      return `${path}: ${systemCode(error instanceof Error ? error.cause : error) ?? "it cannot be written"}`;
    }
    for (const bundle of begun) if (bundle.version < version) this.withdraw(bundle);
    return undefined;
  }

  isIgnored({ bundle }: Deployed): boolean {
    return bundle !== undefined && this.ignored.has(bundle.payload);
  }

  isOurs(deployed: Deployed | undefined): deployed is Deployed {
    return deployed !== undefined && domainOf(deployed.configuration) === this.domain && !this.isIgnored(deployed);
  }

  private isExpired({ bundle }: Deployed): boolean {
    return bundle !== undefined && this.expired.has(bundle.payload);
  }

  /** The bundle that a configuration of this domain holds. */
  bundleOf(deployed: Deployed | undefined): Bundle | undefined {
    return this.isOurs(deployed) && !this.isExpired(deployed) ? deployed.bundle : undefined;
  }

  versionOf(deployed: Deployed | undefined): number | undefined {
    return this.bundleOf(deployed)?.version;
  }

  holds(deployed: Deployed | undefined, bundle: Bundle): deployed is Deployed {
    return this.bundleOf(deployed)?.payload === bundle.payload;
  }

  /** Of equal versions the deployed one, then the good one: they were written first. */
  newest(files: Files, own?: Bundle): Bundle | undefined {
    const all = [this.bundleOf(files.deployed), this.bundleOf(files.good), ...files.begun, own];
    return all.reduce(
      (best, next) => (next !== undefined && next.version > (best?.version ?? -1) ? next : best),
      undefined,
    );
  }

  /** What stood there, unless that was tried or refused as well, or is older than what every worker served; else the good one. */
  previous(before: Files, { good }: Files, tried: Bundle): string | undefined {
    const { deployed, text } = before;
    const isOlder = (this.versionOf(deployed) ?? 0) < (this.versionOf(good) ?? 0);
    const isRefused = deployed === undefined || this.isIgnored(deployed) || deployed.bundle?.payload === tried.payload;
    if (!isRefused && !isOlder) return text;
    // Also where it holds the same bundle: in this configuration every worker served it.
    return good !== undefined && domainOf(good.configuration) === this.domain ? good.text : undefined;
  }

  /** Whether one of the files shows that the version is another bundle's. */
  hasAnother({ version, payload }: Bundle): boolean {
    const { deployed, good } = this.read();
    return [deployed, good].some(
      (held) => this.isOurs(held) && held.bundle?.version === version && held.bundle.payload !== payload,
    );
  }

  /** The highest `min_version` that any of the files holds. */
  minVersion({ deployed, good }: Files): number {
    return Math.max(
      0,
      ...[deployed, good].map((held) => (this.isOurs(held) ? (held.configuration.min_version ?? 0) : 0)),
    );
  }
}
