/**
 * Whoever has no right, in a process of its own and from other networks: grants that nobody approved, by keys that nobody knows, bent
 * on the way, and by an insider who forges the approvals of others. None may open anything. Started by fleet.ts.
 */
import { newKey, type PrivateKey } from "../../control/signer/jwk.js";
import { askOf, completed } from "./grants.js";
import { type Person, readPlan } from "./plan.js";
import { answerMessages, atPace, Wire } from "./wire.js";

/** Of each kind. */
const DISTINCT = 40;
const LIFE = 3600;
/** Most of them are from outside: more than are recorded one by one. */
const FLOOD = 3;
/** Each in a /24 of its own: what fails is counted by it. */
const OUTSIDE = "127.9.0.66";
const INSIDE = "127.10.0.66";

/** Another's key under that name. */
const posing = (as: PrivateKey): PrivateKey => ({ ...newKey("Ed25519"), kid: as.kid });

interface Forged {
  readonly text: string;
  readonly from: string;
}

/** @param args the plan's file */
export async function main([file = ""]: readonly string[]): Promise<void> {
  const plan = readPlan(file);
  const wire = new Wire(plan, "f");
  const { insider } = plan;
  const [victim] = plan.requesters;
  const [lead] = plan.leads;
  const [security] = plan.securities;
  if (victim === undefined || lead === undefined || security === undefined) throw new Error("nobody is there");
  const ask = (by: Person): Promise<string> => askOf(by, { audience: plan.audience, ttl: LIFE, text: "let me in" });
  const grant = async (by: Person, approvers: readonly PrivateKey[]): Promise<string> =>
    completed(await ask(by), approvers, by.key);
  const forged: Forged[] = [];
  for (let i = 0; i < DISTINCT; i++) {
    const made = await Promise.all([
      grant({ ...victim, key: newKey("Ed25519") }, []),
      grant({ ...victim, key: posing(victim.key) }, [posing(lead.key), posing(security.key)]),
    ]);
    const inside = await Promise.all([
      grant(insider, [posing(lead.key), posing(security.key)]),
      grant(insider, [insider.key]),
      grant(insider, []),
      ask(insider),
    ]);
    for (let again = 0; again < FLOOD; again++) for (const text of made) forged.push({ text, from: OUTSIDE });
    for (const text of inside) forged.push({ text, from: INSIDE });
  }
  let sent = 0;
  const stop = atPace(plan.rates.forged, () => {
    const one = forged[sent % forged.length];
    if (wire.isFull || one === undefined) return;
    const gateway = sent++ % plan.ports.length;
    const { text, from } = one;
    void wire.call({ kind: "forged", gateway, path: wire.nextPath(), headers: { "x-break-glass": text }, from });
  });
  answerMessages(wire, () => undefined, stop);
}
