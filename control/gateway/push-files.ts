/**
 * The files by which pushes know of each other: the ECDS file, the last configuration that every worker served, and a record
 * of each bundle whose push began and of each text of revocations. The records only grow until a newer bundle serves.
 */
import { lstatSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { systemCode, UserError } from "../base/errors.js";
import { writeText } from "../base/files.js";
import { visible } from "../base/text.js";
import { sha256Hex } from "../signer/sign.js";
import { type Anchors, domainOf } from "../trust/anchors.js";
import { type Bundle, type Deployed, readBundle, readEcds } from "./ecds.js";
import { NOT_TAKEN, type Obstacle, obstacleTo } from "./push-own-text.js";
import { PushRecord, readIfPossible } from "./push-record.js";
import { claimsOf, textsBeside, textsIn, textsThatCount } from "./push-texts.js";

/** Not in the watched folder, as each rename there wakes Envoy; and named after it, as another gateway's may stand beside it. */
const beside = (ecdsPath: string, suffix: string): string =>
  join(`${resolve(dirname(ecdsPath))}.push`, `${basename(ecdsPath)}.${suffix}`);

/** The last configuration that every worker served. */
export const goodPath = (ecdsPath: string): string => beside(ecdsPath, "good");
export interface Files {
  /** The ECDS file's text; undefined when there is none, or when it cannot be read. */
  readonly text: string | undefined;
  readonly deployed: Deployed | undefined;
  readonly good: Deployed | undefined;
  /** Bundles of this domain whose push began. */
  readonly begun: readonly Bundle[];
  /** All texts of revocations that stand in any of the files. */
  readonly texts: readonly string[];
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

const nameOfText = (text: string): string => sha256Hex(text).slice(0, 32);

/** The files of one gateway, as pushes of one domain (audience and roots) see them. Every method is synchronous. */
export class PushFiles {
  private readonly domain: string;
  private readonly text: string | undefined;
  private readonly seen: readonly string[];
  private readonly rendered: readonly string[];
  private isTextRefused = false;
  /** Bundles by version. */
  private readonly pushed: PushRecord;
  /** Texts of revocations, each under a name of its own. */
  private readonly revoked: PushRecord;
  /** Payloads that the filter or the gateway has refused: they are newer in nothing. */
  private readonly ignored = new Set<string>();
  /** Payloads that have expired: nobody brings them in again, and what they hold as lowest version stands. */
  private readonly expired = new Set<string>();

  constructor(
    readonly ecdsPath: string,
    private readonly anchors: Anchors,
    /** The text that is brought in, and those that the gateway's own file holds. */
    {
      text,
      seen = [],
      rendered = [],
    }: { text?: string | undefined; seen?: readonly string[]; rendered?: readonly string[] } = {},
  ) {
    this.text = text;
    this.seen = seen;
    this.rendered = rendered;
    this.domain = domainOf(anchors);
    const prefix = `${this.domain.slice(0, 16)}-`;
    this.pushed = new PushRecord(beside(ecdsPath, "pushed"), prefix);
    this.revoked = new PushRecord(beside(ecdsPath, "revoked"), prefix);
  }

  read(): Files {
    const text = readIfPossible(this.ecdsPath);
    const found = readIfPossible(goodPath(this.ecdsPath));
    const deployed = text === undefined ? undefined : readEcds(text);
    const good = found === undefined ? undefined : readEcds(found);
    const isSame = good !== undefined && domainOf(good.configuration) === this.domain;
    const texts = [
      // Also where other anchors are pinned from now on: nothing that was taken away comes back by that.
      ...textsIn(deployed?.configuration),
      ...(isSame ? textsIn(good.configuration) : []),
      ...this.revoked.entries().map(([, entered]) => entered),
      ...this.rendered,
      ...(this.text === undefined ? [] : [this.text]),
    ];
    const counted = texts.filter((one) => !(this.isTextRefused && one === this.text));
    return { text, deployed, good, begun: this.begun(), texts: [...new Set(counted)] };
  }

  private begun(): Bundle[] {
    return this.pushed.entries().flatMap(([name, text]) => {
      const bundle = readBundle(text);
      const isKnown =
        bundle !== undefined &&
        name === String(bundle.version) &&
        ![this.ignored, this.expired].some((payloads) => payloads.has(bundle.payload));
      return isKnown ? [bundle] : [];
    });
  }

  /** Enters the bundle into the record, whole, and only if its version is not there. Or why the record cannot be kept. */
  begin(bundle: Bundle): "begun" | "another" | { readonly why: string } {
    const entered = this.pushed.enter(String(bundle.version), bundle.text);
    if (entered === "entered") return "begun";
    if (entered !== "there") return entered;
    const there = this.begun().find(({ version }) => version === bundle.version);
    if (there === undefined) return { why: "it has something else of that version" };
    return there.payload === bundle.payload ? "begun" : "another";
  }

  /** Enters the text that is brought in. Why not, if that cannot be done. */
  enterText(): string | undefined {
    if (this.text === undefined) return undefined;
    const entered = this.revoked.enter(nameOfText(this.text), this.text);
    return typeof entered === "string" ? undefined : entered.why;
  }

  /** The gateway has refused the text that was brought in: no later push shall bring it in again. */
  withdrawText(): void {
    this.isTextRefused = true;
    if (this.text !== undefined) this.revoked.remove(nameOfText(this.text));
  }

  holdsText({ deployed }: Pick<Files, "deployed">): boolean {
    return this.text !== undefined && textsIn(deployed?.configuration).includes(this.text);
  }

  /** Why the text that is brought in would not count beside the bundle, or undo another of its signer's. */
  obstacle(bundle: Bundle): Obstacle | undefined {
    if (this.text === undefined) return undefined;
    const files = this.read();
    const isThere = this.holdsText(files);
    if (this.isTextRefused && !isThere) return NOT_TAKEN;
    const seen = isThere ? undefined : this.seen;
    return obstacleTo(this.text, files.texts, seen, this.anchors, claimsOf(bundle));
  }

  /** The texts that stand beside the bundle. */
  textsFor({ texts }: Pick<Files, "texts">, bundle: Bundle): string[] {
    return textsBeside(texts, this.anchors, claimsOf(bundle));
  }

  /** Whether the deployed configuration holds all of them. */
  holdsTexts({ deployed, texts }: Pick<Files, "deployed" | "texts">, bundle: Bundle): boolean {
    const there = textsIn(deployed?.configuration);
    return this.textsFor({ texts }, bundle).every((text) => there.includes(text));
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
    this.pushed.remove(String(bundle.version));
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
    this.forgetTexts(served);
    return undefined;
  }

  /** Texts that count no more beside what serves. Silenced ones that have made room stay: the gateway remembers them, too. */
  private forgetTexts({ configuration, bundle }: Deployed): void {
    const entries = this.revoked.entries();
    const all = [...textsIn(configuration), ...entries.map(([, text]) => text)];
    const kept = new Set(textsThatCount(all, this.anchors, claimsOf(bundle)));
    for (const [name, text] of entries) if (!kept.has(text)) this.revoked.remove(name);
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
