/** Generated from config/claims.json by scripts/generate.mjs. Do not edit. */
import { z } from "zod";
import { confirmation, grantDetails, grantId, name, nameOrNames, networks, numericDate, text, toldConfirmation, toldDetails } from "./kinds.js";

/** What may stand in an ask. */
export const claimShape = {
  sub: name,
  ent: name,
  reason: name,
  incident: text(64).optional(),
  drill: name.optional(),
  aud: nameOrNames(16),
  iat: numericDate,
  exp: numericDate,
  jti: grantId,
  authorization_details: grantDetails,
  cnf: confirmation.optional(),
  net: networks.optional(),
  text: text(1000),
};

/** The claims as the filter's own parser tells them: it has checked them, and they are all of them. */
export const toldShape = {
  sub: z.string(),
  ent: z.string(),
  reason: z.string(),
  incident: z.string().optional(),
  drill: z.string().optional(),
  aud: z.array(z.string()),
  iat: z.number(),
  exp: z.number(),
  jti: z.string(),
  authorization_details: toldDetails,
  cnf: toldConfirmation.optional(),
  net: z.array(z.string()).optional(),
  text: z.string(),
};

/** Those that a person gives `glassgate ask` word for word. */
export const askedShape = {
  ent: z.string(),
  reason: z.string(),
  incident: z.string().optional(),
  drill: z.string().optional(),
  text: z.string(),
};

/** In the order in which they are shown. */
export const claimRows = [
  {"name":"sub","kind":"name","label":"requester"},
  {"name":"ent","kind":"name","label":"entitlement","flag":"<id>","help":"the entitlement to invoke"},
  {"name":"reason","kind":"name","label":"reason","flag":"<code>","help":"one of the entitlement's reasons"},
  {"name":"incident","kind":"text","label":"incident","optional":true,"flag":"<id>","help":"the ticket"},
  {"name":"drill","kind":"name","label":"drill","optional":true,"flag":"<id>","help":"this is an exercise, for entitlements made for drills"},
  {"name":"aud","kind":"name_or_names","label":"environment"},
  {"name":"iat","kind":"seconds","label":"asked"},
  {"name":"exp","kind":"seconds","label":"ends"},
  {"name":"jti","kind":"grant_id","label":"grant"},
  {"name":"authorization_details","kind":"details","label":"opens"},
  {"name":"cnf","kind":"confirmation","label":"bound to","optional":true},
  {"name":"net","kind":"networks","label":"only from","optional":true},
  {"name":"text","kind":"text","label":"words","flag":"<words>","help":"why, in your own words"},
] as const;
