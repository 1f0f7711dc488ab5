/** The second half of `glassgate ledger status`: whether it is following right now, how far it is, and what it found of late. */
import { UserError } from "../base/errors.js";
import { plural, visible } from "../base/text.js";
import { showTime } from "../base/time.js";
import { type RecentAlarms, recentAlarms } from "../ledger/audit/recent.js";
import type { LedgerConfig } from "../ledger/config.js";
import { type FileProgress, filesProgress } from "../ledger/follow/progress.js";
import type { Holder } from "../ledger/log/lock.js";
import type { TileSource } from "../ledger/log.js";
import { readStanding, type Standing } from "../ledger/serve/standing.js";

const DAY_MS = 86_400_000;
/** It writes down how it stands every few seconds. */
const FRESH_MS = 60_000;
const FOLLOWS = /^glassgate ledger (?:serve|follow)$/;

interface Gateway {
  readonly id: string;
  readonly beatAt: number | undefined;
  readonly isSilent: boolean;
  /** Its heartbeats are read here, or somebody brought one. */
  readonly beats: boolean;
  readonly files: readonly FileProgress[];
}

export interface Follows {
  readonly now: number;
  /** `unknown`: a process has the ledger, and has not written down how it stands for a while. */
  readonly following: "yes" | "no" | "unknown";
  readonly standing: Standing | undefined;
  readonly gateways: readonly Gateway[];
  readonly alarms: RecentAlarms | undefined;
  /** The log's address, where it is not in the folder. */
  readonly tessera: string | undefined;
}

/** @param writer who writes now */
function followingOf(writer: Holder | undefined, standing: Standing | undefined, now: number): Follows["following"] {
  if (writer === undefined || !FOLLOWS.test(writer.name)) return "no";
  return standing !== undefined && Math.abs(now - standing.at) <= FRESH_MS ? "yes" : "unknown";
}

function gatewaysOf({ gateways }: LedgerConfig, state: string, standing: Standing | undefined): Gateway[] {
  const known = new Map(standing?.gateways.map((one) => [one.gateway, one]));
  const here = gateways.map((gateway): Gateway => {
    const found = known.get(gateway.id);
    known.delete(gateway.id);
    const beats = gateway.admin !== undefined || found?.beatAt !== undefined;
    const files = filesProgress(gateway, state);
    return { id: gateway.id, beatAt: found?.beatAt, isSilent: found?.isSilent ?? false, beats, files };
  });
  const elsewhere = [...known].map(([id, { beatAt, isSilent }]): Gateway => {
    return { id, beatAt, isSilent, beats: true, files: [] };
  });
  return [...here, ...elsewhere];
}

/** Undefined where the log's files are not all there: `verify` says which. */
async function alarmsOf(source: TileSource, size: number, since: number): Promise<RecentAlarms | undefined> {
  try {
    return await recentAlarms(source, size, since);
  } catch (error) {
    if (error instanceof UserError) return undefined; // Said by the result.
    throw error;
  }
}

export interface FollowsOptions {
  readonly config: LedgerConfig;
  /** The folder of positions. */
  readonly state: string;
  readonly source: TileSource;
  readonly size: number;
  readonly writer: Holder | undefined;
}

export async function readFollows({ config, state, source, size, writer }: FollowsOptions): Promise<Follows> {
  const now = Date.now();
  const standing = readStanding(state);
  return {
    now,
    following: followingOf(writer, standing, now),
    standing,
    gateways: gatewaysOf(config, state, standing),
    alarms: await alarmsOf(source, size, now - DAY_MS),
    tessera: config.tessera?.url,
  };
}

/** `4 seconds ago`. */
function ago(at: number, now: number): string {
  const seconds = Math.max(0, Math.round((now - at) / 1000));
  const [count, unit] =
    seconds < 120
      ? [seconds, "second"]
      : seconds < 7200
        ? [seconds / 60, "minute"]
        : seconds < 2 * 86_400
          ? [seconds / 3600, "hour"]
          : [seconds / 86_400, "day"];
  return `${plural(Math.floor(count), unit)} ago`;
}

const moment = (at: number): string => showTime(Math.floor(at / 1000));

function followingRow({ following, standing, now }: Follows): string {
  const last = standing === undefined ? "" : `, and last did ${ago(standing.at, now)} (${moment(standing.at)})`;
  if (following === "yes") return `yes, ${ago(standing?.at ?? now, now)}`;
  if (following === "no") return `no${last}`;
  return `not known: the writer has not written down how it stands${standing === undefined ? "" : ` since ${moment(standing.at)}`}. Does it stand still?`;
}

function beatRow({ beatAt, isSilent, beats }: Gateway, now: number): string {
  if (!beats) return "without heartbeats: its `admin` is not named";
  if (beatAt === undefined) return "no heartbeat yet";
  return `${isSilent ? "SILENT: " : ""}last heartbeat ${ago(beatAt, now)} (${moment(beatAt)})`;
}

function fileRow({ read, size, fault }: FileProgress): string {
  if (fault !== undefined) return fault;
  if (size === undefined) return "not there";
  if (read === undefined) return size === 0 ? "empty" : `nothing read of ${plural(size, "byte")}`;
  return read >= size ? `read to its end (${plural(size, "byte")})` : `read up to byte ${read} of ${size}`;
}

function alarmRow({ alarms, tessera }: Follows): string {
  if (alarms === undefined && tessera !== undefined)
    return `not known: the Tessera at ${visible(tessera)} does not show its log now`;
  if (alarms === undefined)
    return "not known: files of the log are missing or damaged; `glassgate ledger verify` says which";
  const found = [...alarms.codes].map(([code, count]) => `${count} ${code}`).join(", ");
  const of = alarms.isComplete ? "in the last day" : "among the newest entries (there are too many of the last day)";
  return `${found === "" ? "none" : found}, ${of}`;
}

export function followsRows(follows: Follows): string[] {
  const { gateways, standing, now } = follows;
  return [
    `following   ${followingRow(follows)}`,
    ...gateways.flatMap((gateway) => [
      `gateway     ${visible(gateway.id)}: ${beatRow(gateway, now)}`,
      ...gateway.files.map((file) => `  file      ${visible(file.path)}: ${fileRow(file)}`),
    ]),
    `open gaps   ${standing === undefined ? "not known before it was served" : standing.openGaps}`,
    `alarms      ${alarmRow(follows)}`,
  ];
}

const isoOf = (at: number | undefined): string | null => (at === undefined ? null : new Date(at).toISOString());

export function followsJson({ now, following, standing, gateways, alarms }: Follows): object {
  return {
    following,
    seen: isoOf(standing?.at),
    gateways: gateways.map(({ id, beatAt, isSilent, files }) => ({
      id,
      heartbeat: isoOf(beatAt),
      age_seconds: beatAt === undefined ? null : Math.max(0, Math.round((now - beatAt) / 1000)),
      silent: isSilent,
      files: files.map(({ path, read, size, fault }) => ({
        path,
        read: read ?? null,
        size: size ?? null,
        ...(fault === undefined ? {} : { fault }),
      })),
    })),
    open_gaps: standing?.openGaps ?? null,
    alarms:
      alarms === undefined
        ? null
        : { since: isoOf(now - DAY_MS), codes: Object.fromEntries(alarms.codes), complete: alarms.isComplete },
  };
}
