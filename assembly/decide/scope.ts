/** Does a request fit a scope? (DESIGN.md, "Scope") */
import { Detail, isWildcard, Scope } from "../jose/details";
import { equalBytes, isLiteral } from "../text/bytes";
import { sameHost } from "../text/host";
import { patternMatches } from "../text/pattern";
import { TextList } from "../text/region";
import { Request } from "./request";
import { Verdict } from "./verdict.gen";

function coversHost(locations: TextList, request: Request): bool {
  for (let i = 0; i < locations.count; i++) {
    const location = locations.at(i);
    if (isWildcard(location.ptr, location.len)) return true;
    if (sameHost(location.ptr, location.len, request.hostPtr, request.hostLen)) return true;
  }
  return false;
}

/** Methods are exact; an upgrade needs its own method and CONNECT, as it opens a tunnel whose content nobody judges. */
function coversMethod(actions: TextList, request: Request): bool {
  let method = false;
  let connect = !request.isUpgrade;
  for (let i = 0; i < actions.count; i++) {
    const action = actions.at(i);
    if (isWildcard(action.ptr, action.len)) return true;
    if (equalBytes(action.ptr, action.len, request.methodPtr, request.methodLen)) method = true;
    if (isLiteral(action.ptr, action.len, "CONNECT")) connect = true;
  }
  return method && connect;
}

function coversPath(paths: TextList, request: Request): bool {
  for (let i = 0; i < paths.count; i++) {
    const pattern = paths.at(i);
    if (patternMatches(pattern.ptr, pattern.len, request.pathPtr, request.pathLen)) return true;
  }
  return false;
}

/** How far the request gets in one detail: 0 host fails, 1 method, 2 path, 3 it fits. */
function progress(detail: Detail, request: Request): i32 {
  if (!coversHost(detail.locations, request)) return 0;
  if (!coversMethod(detail.actions, request)) return 1;
  return coversPath(detail.paths, request) ? 3 : 2;
}

/** `Allow`, or the scope verdict of the detail that got furthest. */
export function judgeScope(scope: Scope, request: Request): i32 {
  let furthest = 0;
  for (let at = scope.first; at != 0; at = changetype<Detail>(at).next) {
    const reached = progress(changetype<Detail>(at), request);
    if (reached == 3) return Verdict.Allow;
    if (reached > furthest) furthest = reached;
  }
  if (furthest == 0) return Verdict.ScopeHost;
  return furthest == 1 ? Verdict.ScopeMethod : Verdict.ScopePath;
}
