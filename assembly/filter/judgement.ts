/** One request on its way through the filter: what came, which grant it shows, and what was decided. */
import { Decision } from "../decide/decide";
import { Question } from "../decide/question";
import { Verdict } from "../decide/verdict.gen";
import { Grant } from "../grant/grant";
import { Entry } from "./cache";
import { RootContext } from "./contexts";
import { Incoming } from "./incoming";

const NO_ENTRY = changetype<Entry>(0);

/** Asks the question under that context, now. `Allow`, or why nothing can be judged. @param nowNs 0 where the gateway has no clock */
export function askUnder(question: Question, context: RootContext, nowNs: u64): i32 {
  const settings = context.settings;
  if (changetype<usize>(settings) == 0 || changetype<usize>(context.held) == 0) return Verdict.NoTrust;
  if (!context.domain.hasAllTexts || context.domain.isGivenUp) return Verdict.NoTrust;
  if (nowNs == 0) return Verdict.Internal;
  question.trust = context.held.trust;
  question.texts = context.domain.texts;
  question.inForce = context.inForce;
  question.anchors = settings.anchors;
  question.leeway = settings.leeway;
  question.now = <i64>(nowNs / 1000000000);
  return Verdict.Allow;
}

/** One object serves all requests of a VM, as they come one after the other and none may allocate. */
export class Judgement {
  context: RootContext = new RootContext();
  /** The gateway's id of the stream. */
  stream: u32 = 0;
  /** Nanoseconds since 1970; 0 where the gateway has no clock. */
  nowNs: u64 = 0;
  /** The request was held back for a receipt, and would have been allowed then: its grant's signatures hold, its proof was shown. */
  isResumed: bool = false;
  incoming: Incoming = new Incoming();
  /** Where the grant stands, parsed or as far as it could be read; 0 until it was looked up. */
  entry: Entry = NO_ENTRY;
  question: Question = new Question();
  decision: Decision = new Decision();

  start(context: RootContext, stream: u32, nowNs: u64): void {
    this.context = context;
    this.stream = stream;
    this.nowNs = nowNs;
    this.isResumed = false;
    this.entry = NO_ENTRY;
    this.decision.clear();
  }

  get nowSeconds(): i64 {
    return <i64>(this.nowNs / 1000000000);
  }

  /** 0 until the grant was looked up. */
  get grant(): Grant {
    return changetype<usize>(this.entry) == 0 ? changetype<Grant>(0) : this.entry.grant;
  }

  /** The same bytes were accepted before: their signatures hold, and what they prove is on record. */
  get isCached(): bool {
    return changetype<usize>(this.entry) != 0 && this.entry.isAccepted;
  }

  get isAllowed(): bool {
    return this.decision.verdict == Verdict.Allow;
  }
}
