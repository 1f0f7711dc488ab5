/**
 * A ledger has answered, or nobody has within the time: a request that was held back is settled. Everything is judged again but what
 * was shown once, under the newest bundle and texts of its domain: revoked meanwhile is revoked. Then a record of its own says what
 * became of the pending one. No allocation, no trap, no unbounded loop, whatever was answered.
 */
import { isGoodReceipt } from "../decide/receipt";
import { Verdict } from "../decide/verdict.gen";
import { ascii } from "../host/ascii";
import {
  continueRequest,
  getAnswerBody,
  getAnswerHeader,
  now,
  Slice,
  Status,
  setEffectiveContext,
} from "../host/calls";
import { MAX_RECEIPT_BYTES } from "../limits";
import { isLiteral } from "../text/bytes";
import { Receipt, readReceipt } from "../trust/receipt";
import { contextAt, findHandle, keepUp, RootContext } from "./contexts";
import { readIncoming } from "./incoming";
import { judge } from "./judge";
import { askUnder, Judgement } from "./judgement";
import { handleOf } from "./openstreams";
import { Action, finish } from "./outcome";
import { Pending, takePending } from "./pending";
import { bytesOf } from "./receipts";
import { recordSettled } from "./record";
import { ownerOfStream } from "./streams";
import { StripList } from "./strip";

const STATUS = ascii(":status");
const NOWHERE = new RootContext();
const NO_STRIP = changetype<StripList>(0);

const judgement = new Judgement();
const pending = new Pending();
pending.hash = memory.data(32, 16);
const receipt = new Receipt();
const answer = new Slice();

/** Whether the answer is 200 and has a receipt for its body, which stands in `answer` then. The gateway makes up answers of its own. */
function takeAnswer(bodyLen: i32): bool {
  if (getAnswerHeader(STATUS, answer) != Status.Ok || !isLiteral(answer.ptr, answer.len, "200")) return false;
  if (bodyLen < 1 || bodyLen > MAX_RECEIPT_BYTES) return false;
  if (getAnswerBody(MAX_RECEIPT_BYTES, answer) != Status.Ok || answer.len != bodyLen) return false;
  return readReceipt(answer.ptr, answer.len, receipt);
}

/** As any request is judged, but for its signatures, which held when it was held back, and its proof, which was shown then. */
function judgeAgain(context: RootContext): i32 {
  const settings = context.settings;
  const strip = changetype<usize>(settings) == 0 ? NO_STRIP : settings.strip;
  if (!readIncoming(judgement.incoming, strip)) return Verdict.Internal;
  // Nobody changes a request that waits; were it another grant, nothing would be known of its signatures.
  if (bytesOf(judgement) != pending.grant) return Verdict.Internal;
  return judge(judgement);
}

/** `on_http_call_response`: the answer to that call, of which `bodyLen` bytes are a body. One that nobody waits for is dropped. */
export function onAnswer(token: u32, bodyLen: i32): void {
  if (!takePending(token, pending)) return;
  // Before the stream is chosen: the answer is the root context's.
  const hasAnswer = takeAnswer(bodyLen);
  if (setEffectiveContext(pending.stream) != Status.Ok) return;
  const index = findHandle(handleOf(ownerOfStream(pending.stream)));
  const context = index < 0 ? NOWHERE : contextAt(index);
  keepUp(context);
  judgement.start(context, pending.stream, now());
  judgement.isResumed = true;
  const decision = judgement.decision;
  decision.verdict = judgeAgain(context);
  const isAsked = hasAnswer && askUnder(judgement.question, context, judgement.nowNs) == Verdict.Allow;
  const isGood = isAsked && isGoodReceipt(judgement.question, receipt, pending.hash);
  if (judgement.isAllowed && !isGood) decision.verdict = Verdict.AuditUnavailable;
  const isRecorded = recordSettled(judgement, pending.seq, answer.ptr, isGood ? answer.len : 0);
  if (finish(judgement, isRecorded) == Action.Continue) continueRequest();
}
