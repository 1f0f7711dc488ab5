import { UserError } from "../../base/errors.js";

/** Not to be mended by trying again: two histories, two writers, or a store that was changed. */
export class PublishConflict extends UserError {
  constructor(message: string, hint: string) {
    super(message, { exitCode: 1, hint });
  }
}
