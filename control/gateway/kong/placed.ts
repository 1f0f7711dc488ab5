/** The declarative file during a push: read anew in each round, written whole, and put back where nobody has taken what it held. */
import { statSync } from "node:fs";
import { UserError } from "../../base/errors.js";
import { readText, writeText } from "../../base/files.js";
import { visible } from "../../base/text.js";
import { KongFile } from "./file.js";
import type { Wanted } from "./node.js";

const WHAT = "the Kong configuration";

export class PlacedFile {
  file: KongFile;
  /** Why it could not be written: what only takes away is brought to Kong all the same. */
  fault: UserError | undefined;
  private before: string;
  /** The file's text that is not of this push. */
  private others = "";
  /** What this push has written into the file. */
  private written: string | undefined;

  /** @param mayFail a file that cannot be written is told, and does not end the push */
  constructor(
    private readonly path: string,
    private readonly mayFail: boolean,
  ) {
    [this.before, this.file] = this.load();
  }

  private load(): [text: string, file: KongFile] {
    const text = readText(this.path, WHAT, "Write one with `glassgate gateway render --for kong`.");
    return [text, KongFile.read(text, this.path)];
  }

  /** Something of this push stands in it already. */
  get isWritten(): boolean {
    return this.written !== undefined;
  }

  readAgain(): KongFile {
    [this.before, this.file] = this.load();
    if (this.before !== this.written) this.others = this.before;
    return this.file;
  }

  /** What stands there now. */
  get now(): KongFile {
    return this.load()[1];
  }

  /** Whether it is as this push has left it, or found it. */
  get isUntouched(): boolean {
    return readText(this.path, WHAT) === (this.written ?? this.before);
  }

  /** Whether the file was still the one that was read. */
  write(wanted: Wanted, warn: (line: string) => void): boolean {
    const before = this.file.header.value;
    this.file.setConfiguration(wanted.configuration);
    this.file.setKeys([before, wanted.key]);
    const text = this.file.toString();
    if (readText(this.path, WHAT) !== this.before) return false;
    if (this.place(text) && (statSync(this.path).mode & 0o007) !== 0)
      warn(`everybody on this machine can read ${visible(this.path)}, which holds the upstream key: chmod o= it`);
    return true;
  }

  private place(text: string): boolean {
    try {
      writeText(this.path, text);
      this.written = text;
      this.fault = undefined;
      return true;
    } catch (error) {
      if (!(error instanceof UserError) || !this.mayFail) throw error;
      this.written = undefined;
      this.fault = error;
      return false;
    }
  }

  restore(): void {
    if (readText(this.path, WHAT) === this.written) writeText(this.path, this.others);
  }
}
