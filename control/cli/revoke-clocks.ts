/** `stop` means now, and grants live by the gateways' clocks: a machine that is behind them would leave the latest ones standing. */
import { UserError } from "../base/errors.js";
import { visible } from "../base/text.js";
import { nowSeconds, showDuration } from "../base/time.js";
import { kongClock } from "../gateway/kong/revoke.js";
import { MAX_AHEAD } from "../trust/next-text.js";
import type { Gateway } from "./gateways.js";
import { warn } from "./output.js";

/** Half of how far ahead of this machine anything may be dated: `leeway`, and the texts after this one, need room as well. */
const FARTHEST = MAX_AHEAD / 2;
/** Of which a person should know. */
const NOTICEABLE = 60;

/** How far the gateway's clock is ahead of this machine's; its `Date` lags by up to a second. Undefined where it cannot be seen. */
async function aheadOf(gateway: Gateway): Promise<number | undefined> {
  try {
    const clock = gateway.kind === "kong" ? await kongClock(gateway.kongs) : (await gateway.admin.serverInfo()).clock;
    return clock === undefined ? undefined : clock + 1 - nowSeconds();
  } catch (error) {
    if (error instanceof UserError) return undefined; // What becomes of that gateway is told with its outcome.
    throw error;
  }
}

/** Seconds by which the clock that is the furthest ahead of them is ahead of this machine's; 0 where none is. */
export async function clocksAhead(gateways: readonly Gateway[]): Promise<number> {
  const all = await Promise.all(gateways.map(async (gateway) => [gateway, (await aheadOf(gateway)) ?? 0] as const));
  for (const [{ file }, ahead] of all) {
    if (ahead > FARTHEST)
      throw new UserError(
        `${visible(file)}: its clock is ${showDuration(ahead)} ahead of this machine's, and what is signed here cannot reach that far.`,
        {
          hint: "Set this machine's clock. If it is right, the gateway's is wrong, or whoever answers there lies: leave that gateway out and stop the others, and there revoke by --person, --kid or --incident, which no clock holds up. Nothing was signed.",
        },
      );
    if (ahead < -NOTICEABLE)
      warn(
        `${visible(file)}: this machine's clock is ${showDuration(-ahead)} ahead of its: what is asked for there until then is stopped too`,
      );
  }
  return Math.max(0, ...all.map(([, ahead]) => ahead));
}
