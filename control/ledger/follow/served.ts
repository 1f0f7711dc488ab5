/** What a gateway serves: the bundle, the texts of revocations and the anchors in its ECDS file, whenever that changes. */
import { readText } from "../../base/files.js";
import { readEcds } from "../../gateway/ecds.js";
import { readIfPossible } from "../../gateway/push-record.js";
import { claimsOf, named, textsIn } from "../../gateway/push-texts.js";
import { readRenderedFilter } from "../../gateway/rendered.js";
import { anchorsHash } from "../chain/rules.js";
import type { Received } from "../intake.js";

type Made = Pick<Received, "kind" | "bytes">;

/** An older bundle or text may serve again: said anew, the ledger knows it already. */
export class Served {
  private last: string | undefined;

  /** @param envoy the gateway's own configuration */
  constructor(
    private readonly gateway: string,
    private readonly envoy: string,
  ) {}

  /** Empty where nothing changed, or where the file holds nothing of the filter's. */
  poll(): Made[] {
    const { ecdsPath } = readRenderedFilter(readText(this.envoy, "the gateway's configuration"), this.envoy);
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
