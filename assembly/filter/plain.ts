/** How the plain kinds of members of the configuration are read (config/members.json). */
import { Loading } from "../trust/loading";

/** A whole number within its bounds, else `reason`. */
export function readInteger(loading: Loading, least: i64, most: i64, reason: string): i64 {
  const value = loading.reader.integer();
  if (loading.reader.ok && (value < least || value > most)) loading.refuse(reason);
  return value;
}
