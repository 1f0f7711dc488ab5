/** What a gateway serves: the bundle, the texts of revocations and the anchors in its ECDS file, whenever that changes. */
import { closeSync, constants, fstatSync, openSync, readFileSync, statSync } from "node:fs";
import { reasonOf, systemCode, UserError } from "../../base/errors.js";
import { visible } from "../../base/text.js";
import { readEcds } from "../../gateway/ecds.js";
import { claimsOf, named, textsIn } from "../../gateway/push-texts.js";
import { readRenderedFilter } from "../../gateway/rendered.js";
import { anchorsHash } from "../chain/rules.js";
import type { Received } from "../intake.js";

type Made = Pick<Received, "kind" | "bytes">;

/** A bundle has half a MiB at most. */
const MAX_BYTES = 8 * 1024 * 1024;

/** The ledger reads what others may write to: a pipe in a file's place would hold it up for ever. @throws UserError */
function readRegular(path: string): string {
  const cannot = (why: string, cause?: unknown): UserError =>
    new UserError(`Cannot read ${visible(path)}: ${why}.`, { cause, hint: "`envoy` of the configuration names it." });
  try {
    const descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const stat = fstatSync(descriptor);
      if (!stat.isFile()) throw cannot("it is no regular file");
      if (stat.size > MAX_BYTES) throw cannot(`it is larger than ${MAX_BYTES / 1024 / 1024} MiB`);
      return readFileSync(descriptor, "utf8");
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    throw systemCode(error) === undefined ? error : cannot(reasonOf(error), error);
  }
}

function readIfPossible(path: string): string | undefined {
  try {
    return readRegular(path);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return undefined; // Not there before the first push.
  }
}

/** Changes whenever a file was renamed into its place or written to: looking often costs no more than this. */
function markOf(path: string): string {
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stat === undefined ? "none" : [stat.dev, stat.ino, stat.size, stat.mtimeNs, stat.ctimeNs].join(" ");
}

/** An older bundle or text may serve again: said anew, the ledger knows it already. */
export class Served {
  private last: string | undefined;
  private seen: { readonly ecdsPath: string; readonly marks: string } | undefined;

  /** @param envoy the gateway's own configuration */
  constructor(
    private readonly gateway: string,
    private readonly envoy: string,
  ) {}

  private marks(ecdsPath: string): string {
    return `${markOf(this.envoy)}, ${markOf(ecdsPath)}`;
  }

  /** Empty where nothing changed, or where the file holds nothing of the filter's. */
  poll(): Made[] {
    if (this.seen !== undefined && this.marks(this.seen.ecdsPath) === this.seen.marks) return [];
    this.seen = undefined;
    const { ecdsPath } = readRenderedFilter(readRegular(this.envoy), this.envoy);
    // Before it is read: what changes meanwhile has other marks at the next look.
    const marks = this.marks(ecdsPath);
    const made = this.read(ecdsPath);
    this.seen = { ecdsPath, marks };
    return made;
  }

  private read(ecdsPath: string): Made[] {
    const text = readIfPossible(ecdsPath);
    if (text === undefined || text === this.last) return [];
    const deployed = readEcds(text);
    if (deployed === undefined) return [];
    const { configuration, bundle } = deployed;
    const { audience, threshold, roots, generation, mode = "enforce" } = configuration;
    const anchors = { audience, threshold, roots };
    const texts = textsIn(configuration);
    const versions = texts.flatMap((one) => {
      const read = named(one, anchors, claimsOf(bundle));
      return read === undefined ? [] : [[read.signer, read.claims.version] as const];
    });
    const push = {
      gateway: this.gateway,
      generation,
      bundle: bundle?.version ?? 0,
      texts: Object.fromEntries(versions),
      anchors: anchorsHash(anchors, mode),
    };
    this.last = text;
    return [
      ...(bundle === undefined ? [] : [{ kind: "bundle" as const, bytes: Buffer.from(bundle.text) }]),
      ...texts.map((one) => ({ kind: "text" as const, bytes: Buffer.from(one) })),
      { kind: "push", bytes: Buffer.from(JSON.stringify(push)) },
    ];
  }
}
