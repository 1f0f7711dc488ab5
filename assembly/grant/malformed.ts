/** Why a grant is malformed and where, in numbers: filter/malformed.ts has the words. */
import { JsonReader } from "../text/json";

/** Which part of a grant. */
export enum Part {
  Grant,
  /** The request: its segments and its header. */
  Request,
  Payload,
  Approval,
}

export class Malformed {
  /** A `Part`, and the number of the approval, from 1. */
  part: i32 = 0;
  approval: i32 = 0;
  /** A `Fault`. */
  fault: i32 = 0;
  /** A `Claim` in the payload, else a `HeaderMember`; 0 where it is none of them. */
  member: i32 = 0;
  /** A `DetailMember`, inside `authorization_details`. */
  inner: i32 = 0;
  /** What the reader read last. Where the fault is `Unknown`: the member's name, which is never told in a reply. */
  namePtr: usize = 0;
  nameLen: i32 = 0;

  /** Notes what the reader found. Always false. */
  note(part: i32, reader: JsonReader): bool {
    this.part = part;
    this.fault = reader.fault;
    this.member = reader.member;
    this.inner = reader.inner;
    this.namePtr = reader.stringPtr;
    this.nameLen = reader.stringLen;
    return false;
  }

  /** Notes what no reader found. Always false. */
  say(part: i32, fault: i32): bool {
    this.part = part;
    this.fault = fault;
    this.member = 0;
    this.inner = 0;
    return false;
  }
}
