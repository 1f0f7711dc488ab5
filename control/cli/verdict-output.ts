/** What the filter will say later, told to a person before it costs anybody a night. */
import { showTime } from "../base/time.js";
import { verdicts } from "../base/verdicts.gen.js";
import type { Judgement } from "../grant/judge.js";

/** One warning, where the filter allows now and will not until the end; not of the end of the life that was approved. */
export function endWarnings({ ends }: Judgement): string[] {
  if (ends === undefined || ends.verdict === "expired") return [];
  const { title } = verdicts[ends.verdict];
  return [`from ${showTime(ends.at)} on, before it ends, the gateway will say ${ends.verdict}: ${title}`];
}
