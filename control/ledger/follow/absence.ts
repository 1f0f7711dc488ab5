/** A log whose file does not come: a name written wrong, a folder not mounted, an Envoy that writes elsewhere. Nothing else would say so. */
import { visible } from "../../base/text.js";

/** A rotation leaves no file for a moment; what is away for longer than this is said. */
const ABSENT_MS = 60_000;

export class Absence {
  private milliseconds = 0;
  private isTold = false;

  constructor(
    private readonly path: string,
    private readonly say: (sentence: string) => void,
    private readonly limit = ABSENT_MS,
  ) {}

  /** @param passed milliseconds since the look before this one, as far as somebody watched */
  look(isThere: boolean, passed: number): void {
    if (isThere) {
      if (this.isTold) this.say(`${visible(this.path)} is there now, and is read.`);
      this.milliseconds = 0;
      this.isTold = false;
      return;
    }
    this.milliseconds += passed;
    if (this.isTold || this.milliseconds < this.limit) return;
    this.isTold = true;
    this.say(
      `${visible(this.path)} has not been there for ${Math.round(this.limit / 1000)} seconds: nothing comes from it. Does its gateway write there, under that name? It is read once it is there.`,
    );
  }
}
