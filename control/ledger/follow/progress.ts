/** How far the followed files were read, as anybody can see it who may read the positions: also where nobody follows now. */
import { join } from "node:path";
import { reasonOf, systemCode } from "../../base/errors.js";
import type { FollowedGateway } from "../config.js";
import { positionName } from "./follower.js";
import { readPosition } from "./position.js";
import { statOf } from "./siblings.js";

export interface FileProgress {
  readonly path: string;
  /** Bytes that are handed in, of the file that has the name now; undefined where nothing of it was looked at. */
  readonly read: number | undefined;
  /** Undefined where it is not there. */
  readonly size: number | undefined;
  /** Why nothing can be said of it. */
  readonly fault?: string;
}

function progressOf(positionFile: string, path: string): FileProgress {
  try {
    let isDamaged = false;
    const position = readPosition(positionFile, path, () => {
      isDamaged = true;
    });
    if (isDamaged) return { path, read: undefined, size: undefined, fault: "its position is damaged" };
    const stat = statOf(path);
    if (stat === undefined) return { path, read: undefined, size: undefined };
    const [device, inode] = [String(stat.dev), String(stat.ino)];
    const place = position?.files.find((one) => one.device === device && one.inode === inode);
    return { path, read: place?.offset, size: Number(stat.size) };
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    return { path, read: undefined, size: undefined, fault: reasonOf(error) };
  }
}

/** @param state the folder of positions */
export const filesProgress = ({ id, audit = [], answers = [] }: FollowedGateway, state: string): FileProgress[] =>
  [...new Set([...audit, ...answers].map(({ path }) => path))].map((path) =>
    progressOf(join(state, positionName(id, path)), path),
  );
