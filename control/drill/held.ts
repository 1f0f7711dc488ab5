/** A drill that is held: what goes wrong once its cases were played costs no report, and stands in it as a finding. */
import { messageOf, systemError } from "../base/errors.js";
import { visible } from "../base/text.js";
import { factOf } from "./fact.js";
import type { Assertion } from "./model.js";

/** Whether a person ended it: that is no mishap. */
export const isStop = (error: unknown): boolean => systemError(error)?.exitCode === 130;

/** In words. @throws it where a person ended the drill */
export function mishapOf(error: unknown): string {
  if (isStop(error)) throw error;
  const known = systemError(error);
  return `${visible(known?.message ?? messageOf(error))} ${known?.hint ?? ""}`.trim();
}

export class Held {
  readonly assertions: Assertion[] = [];

  /** @param doing what could not be done, behind "could not be" @param instead what there is without it */
  async keep<T>(doing: string, attempt: () => Promise<T>, instead: T): Promise<T> {
    try {
      return await attempt();
    } catch (error) {
      const finding = `What was done could not be ${doing}: ${mishapOf(error)}`;
      this.assertions.push(factOf("this machine", `what was done, ${doing}`, "all of it", "not all of it", finding));
      return instead;
    }
  }
}

/** By a clock that nobody sets back: a drill ends after it began. @returns what tells how it stands now */
export function startClock(): { readonly began: Date; readonly now: () => Date } {
  const [began, since] = [new Date(), performance.now()];
  return { began, now: () => new Date(Math.max(Date.now(), began.getTime() + performance.now() - since)) };
}
