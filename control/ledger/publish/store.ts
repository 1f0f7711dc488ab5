/** An S3-compatible store, as much of it as publishing needs. */
import { UserError } from "../../base/errors.js";
import { visible } from "../../base/text.js";
import type { TileSource } from "../log.js";
import { COSIGNED, mustBeBound } from "../tlog/file-source.js";
import type { CredentialSource } from "./credentials.js";
import { PATIENCE, type Patience, Requester } from "./request.js";
import type { Target } from "./target.js";

/** Written only where there is nothing yet, or where exactly this is. */
export type Condition = "absent" | { readonly etag: string };

export interface Stored {
  readonly bytes: Buffer;
  readonly etag: string;
}

export interface ObjectStore {
  /** For people: where it is. */
  readonly name: string;
  get(key: string, bound: number): Promise<Stored | undefined>;
  /** Its length; undefined where there is none. */
  lengthOf(key: string): Promise<number | undefined>;
  /** @returns whether it was written; if not, the condition does not hold */
  put(key: string, bytes: Buffer, condition: Condition): Promise<boolean>;
  /** Names that begin so, at most a thousand. */
  list(start: string): Promise<string[]>;
  remove(key: string): Promise<void>;
}

const MAX_LIST_BYTES = 2 * 1024 * 1024;

/** The newest checkpoints change; all else has one content for ever. */
const headersOf = (key: string): Readonly<Record<string, string>> =>
  key === "checkpoint" || key === COSIGNED
    ? { "content-type": "text/plain; charset=utf-8", "cache-control": "no-cache" }
    : { "content-type": "application/octet-stream", "cache-control": "max-age=31536000, immutable" };

const MISSING = 404;
const UNMET = 412;

export class S3Store implements ObjectStore {
  private readonly requester: Requester;

  constructor(
    private readonly target: Target,
    credentials: CredentialSource,
    patience: Patience = PATIENCE,
  ) {
    this.requester = new Requester(credentials, target.region, patience);
  }

  get name(): string {
    const { bucket, prefix, endpoint } = this.target;
    return `s3://${bucket}/${prefix.slice(0, -1)} at ${endpoint}`;
  }

  private at(key: string): { url: string; name: string } {
    const { endpoint, bucket, prefix } = this.target;
    return { url: `${endpoint}/${bucket}/${prefix}${key}`, name: `s3://${bucket}/${prefix}${key}` };
  }

  async get(key: string, bound: number): Promise<Stored | undefined> {
    const answer = await this.requester.ask({ method: "GET", ...this.at(key), bound, answers: [200, MISSING] });
    if (answer.status === MISSING) return this.unlessNoBucket(answer.body);
    const etag = answer.headers.get("etag") ?? "";
    if (!/^(?:W\/)?"[\x21\x23-\x7e]{1,200}"$/.test(etag))
      throw new UserError(`The store gives no usable ETag: GET ${visible(this.at(key).name)}.`, {
        hint: "Without it a checkpoint cannot be replaced safely: take another store.",
      });
    return { bytes: answer.body, etag };
  }

  /** A bucket that is not there is no empty one. */
  private unlessNoBucket(body: Buffer): undefined {
    if (!body.toString("latin1").includes("NoSuchBucket")) return undefined;
    throw new UserError(`There is no bucket ${visible(this.target.bucket)} at ${visible(this.target.endpoint)}.`, {
      hint: "Make it first, or check --to and --endpoint.",
    });
  }

  async lengthOf(key: string): Promise<number | undefined> {
    const answer = await this.requester.ask({ method: "HEAD", ...this.at(key), bound: 0, answers: [200, MISSING] });
    const length = answer.headers.get("content-length") ?? "";
    return answer.status === 200 && /^[0-9]{1,15}$/.test(length) ? Number(length) : undefined;
  }

  async put(key: string, bytes: Buffer, condition: Condition): Promise<boolean> {
    const answer = await this.requester.ask({
      method: "PUT",
      ...this.at(key),
      headers: {
        ...headersOf(key),
        ...(condition === "absent" ? { "if-none-match": "*" } : { "if-match": condition.etag }),
      },
      body: bytes,
      // What If-Match names may be gone altogether.
      answers: condition === "absent" ? [200, UNMET] : [200, UNMET, MISSING],
    });
    if (answer.status === MISSING) this.unlessNoBucket(answer.body);
    return answer.status === 200;
  }

  async list(start: string): Promise<string[]> {
    const { endpoint, bucket, prefix } = this.target;
    const url = `${endpoint}/${bucket}?list-type=2&max-keys=1000&prefix=${encodeURIComponent(prefix + start)}`;
    const name = `s3://${bucket}/${prefix}${start}*`;
    const { body } = await this.requester.ask({ method: "GET", url, name, bound: MAX_LIST_BYTES, answers: [200] });
    // Names of ours need no escape in XML; others are not ours.
    return [...body.toString("utf8").matchAll(/<Key>([^<&]*)<\/Key>/g)]
      .map(([, key = ""]) => key)
      .filter((key) => key.startsWith(prefix + start))
      .map((key) => key.slice(prefix.length));
  }

  async remove(key: string): Promise<void> {
    await this.requester.ask({ method: "DELETE", ...this.at(key), answers: [200, 204, MISSING] });
  }
}

/** The log as it is published, for `ledger verify s3://...`. */
export const storeSource = (store: ObjectStore): TileSource => ({
  async read(path) {
    return (await store.get(path, mustBeBound(path)))?.bytes;
  },
});
