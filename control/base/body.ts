/** What somebody else's server answers, within a bound. */

/** Undefined where it is longer; the rest is not waited for. */
export async function boundedBody(response: Response, bound: number): Promise<Buffer | undefined> {
  const chunks: Uint8Array[] = [];
  let total = 0;
  if (response.body === null) return Buffer.alloc(0);
  for await (const chunk of response.body) {
    total += chunk.length;
    if (total > bound) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Why a `fetch` failed, which is in its cause. */
export const fetchFault = (error: unknown): string => {
  if (error instanceof Error && error.name === "TimeoutError") return "no answer in time";
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  return cause instanceof Error ? cause.message : String(cause);
};
