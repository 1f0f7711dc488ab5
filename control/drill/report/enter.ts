/** The signature of a report on its way into the ledger. */
import { DRILL, type HandedIn, handIn, sendClosing } from "../../ledger/closing.js";
import type { OpenedLedger } from "../../ledger/serve/open.js";

/** Into a ledger that is served. */
export const sendDrill = (url: string, token: string): Promise<HandedIn> => sendClosing(url, token, DRILL);

/** Into a folder that is open here. */
export const handInDrill = ({ log, ledger }: OpenedLedger, token: string): Promise<HandedIn> =>
  handIn(log, (received) => ledger.take(received), token, DRILL);
