/** Working hours, in a zone: what is done outside them may be a night's emergency, or somebody who waited until nobody looked. */
import { UserError } from "../base/errors.js";
import { visible } from "../base/text.js";

export interface Hours {
  /** A name of the IANA database. */
  readonly zone: string;
  /** Minutes since midnight: begin, and the end, which is outside. */
  readonly from: number;
  readonly to: number;
}

/** Office hours, Monday to Friday, as most places have them: whoever works otherwise says so. */
export const USUAL_HOURS = "08:00-18:00";
/** Where `TZ` is empty, as in many containers: a machine of no zone has UTC's time. */
const NO_ZONE = "Etc/Unknown";
/** Of this machine: a reviewer looks at what happened near him. */
export const ownZone = (): string => {
  const { timeZone } = new Intl.DateTimeFormat().resolvedOptions();
  return timeZone === NO_ZONE ? "UTC" : timeZone;
};

const SPAN = /^(\d{1,2})(?::(\d{2}))?-(\d{1,2})(?::(\d{2}))?$/;
const DAY_MINUTES = 24 * 60;

/** @param span `08:00-18:00` or `8-18` */
export function hoursOf(span: string, zone: string): Hours {
  const [, fromHour, fromMinute = "0", toHour, toMinute = "0"] = SPAN.exec(span) ?? [];
  const [from, to] = [Number(fromHour) * 60 + Number(fromMinute), Number(toHour) * 60 + Number(toMinute)];
  if (!(from < to && to <= DAY_MINUTES && Number(fromMinute) < 60 && Number(toMinute) < 60))
    throw new UserError(`"${visible(span)}" are no working hours.`, { hint: `Write ${USUAL_HOURS}, or 8-18.` });
  try {
    new Intl.DateTimeFormat("en", { timeZone: zone });
  } catch (error) {
    throw new UserError(`There is no time zone ${visible(zone)}.`, {
      cause: error,
      hint: "Write Europe/Berlin, America/New_York or UTC.",
    });
  }
  return { zone, from, to };
}

const clock = (minutes: number): string =>
  `${String(Math.floor(minutes / 60)).padStart(2, "0")}:${String(minutes % 60).padStart(2, "0")}`;
export const showHours = ({ zone, from, to }: Hours): string =>
  `Monday to Friday, ${clock(from)} to ${clock(to)}, ${visible(zone)}`;

/** Zones differ by whole quarters of an hour: within one the answer is the same. */
const QUARTER_MS = 900_000;
const MAX_KNOWN = 100_000;

/** Tells of a moment (milliseconds since 1970) whether it is outside. */
export function outsideOf({ zone, from, to }: Hours): (at: number) => boolean {
  const parts = { timeZone: zone, weekday: "short", hour: "numeric", minute: "numeric", hourCycle: "h23" } as const;
  const format = new Intl.DateTimeFormat("en", parts);
  const known = new Map<number, boolean>();
  const look = (at: number): boolean => {
    const named = new Map(format.formatToParts(at).map(({ type, value }) => [type, value]));
    const minutes = Number(named.get("hour")) * 60 + Number(named.get("minute"));
    return ["Sat", "Sun"].includes(named.get("weekday") ?? "") || minutes < from || minutes >= to;
  };
  const isEven = from % 15 === 0 && to % 15 === 0;
  return (at) => {
    if (!isEven) return look(at);
    const quarter = Math.floor(at / QUARTER_MS);
    const isOutside = known.get(quarter) ?? look(at);
    if (known.size < MAX_KNOWN) known.set(quarter, isOutside);
    return isOutside;
  };
}
