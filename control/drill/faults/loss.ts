/** Whether a gateway itself says that it cannot write its logs: what an operator's alarm goes by. */
import { UserError } from "../../base/errors.js";
import { Admin } from "../../gateway/admin.js";

const COUNTER = "filesystem.write_failed";

/** Writes that failed so far; undefined where that cannot be seen. */
export async function failedWrites(admin: string): Promise<number | undefined> {
  try {
    return (await new Admin(admin).stats(`^${COUNTER.replace(".", "\\.")}$`)).get(COUNTER);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return undefined;
  }
}

export const unshownWords = (gateway: string): string =>
  `${gateway} does not say that it loses records: its counter ${COUNTER} has not risen, so no alarm would tell. Is it the disk of its audit log that is full?`;
