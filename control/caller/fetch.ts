/** The library function for Node programs: `fetch` with a grant, for what the grant covers and nothing else. */

import { UserError } from "../base/errors.js";
import { nowSeconds, showTime } from "../base/time.js";
import { verdicts } from "../base/verdicts.gen.js";
import { refuseLedAstray } from "../base/way.js";
import { authorize, type Credential, ownHeaders, readCredential } from "./credential.js";
import { Scope } from "./scope.js";

/** The grant travels to the gateway alone, whatever the environment makes of `fetch`. */
function checkWay(url: URL): void {
  if (url.protocol !== "https:" && !/^(?:127\.\d+\.\d+\.\d+|localhost|\[::1\])$/.test(url.hostname))
    throw new UserError("The grant would travel in clear.", { hint: "Use an https:// URL." });
  refuseLedAstray(url, "the grant");
}

/**
 * A `fetch` that adds the grant and a fresh proof. It refuses, before anything is sent: what the grant does not cover, a grant that
 * has ended, http:// but to this machine, and an environment that would lead the grant elsewhere. A redirect is an error, never followed: `fetch` would carry the grant to another host.
 */
export async function breakGlassFetch(credential: Credential): Promise<typeof fetch> {
  const { exp, authorization_details } = await readCredential(credential);
  const scope = await Scope.of(authorization_details);
  return async (input, init) => {
    const request = new Request(input, { ...init, redirect: "manual" });
    const url = new URL(request.url);
    checkWay(url);
    if (exp <= nowSeconds())
      throw new UserError(`The grant has ended: ${showTime(exp)}, by this machine's clock.`, { exitCode: 1 });
    const path = url.pathname + url.search;
    const { method } = request;
    const verdict = scope.refusal({ method, host: url.host, path, isUpgrade: false });
    if (verdict !== undefined) {
      throw new UserError(`The grant does not cover ${method} ${url.host}${url.pathname}: ${verdicts[verdict].title}`, {
        exitCode: 1,
      });
    }
    for (const name of ownHeaders) request.headers.delete(name);
    const added = authorize(credential, { method, host: url.host, path });
    for (const [name, value] of Object.entries(added)) request.headers.set(name, value);
    const answer = await fetch(request);
    if (answer.status >= 300 && answer.status < 400 && answer.status !== 304) {
      await answer.body?.cancel();
      throw new UserError(`The answer is a redirect (${answer.status}), and a grant is carried to no other place.`, {
        hint: `Ask for ${answer.headers.get("location") ?? "the new place"} itself, if the grant covers it.`,
        exitCode: 1,
      });
    }
    return answer;
  };
}
