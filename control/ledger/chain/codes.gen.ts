/** Generated from config/alarms.json by scripts/generate.mjs. Do not edit. */

export const severities = ["critical", "warning", "notice"] as const;
export type Severity = (typeof severities)[number];

/** One row of the table: `operator` says what to do. */
export interface AlarmRow {
  readonly severity: Severity;
  readonly title: string;
  readonly operator: string;
}

export const alarmCodes = [
  "fork",
  "chain_break",
  "head_mismatch",
  "gap",
  "gap_filled",
  "late_start",
  "missing_vm",
  "late",
  "seq_jump",
  "after_end",
  "settles_wrong",
  "unsettled",
  "future",
  "clock_back",
  "foreign_sender",
  "overflow",
  "record_unknown_member",
  "quarantined",
  "silence",
  "silence_over",
  "bad_evidence",
  "evidence_missing",
  "evidence_without_record",
  "foreign_bundle",
  "anchors",
  "bundle_back",
  "bundle_behind",
  "bundle_conflict",
  "bundle_unknown",
  "answer_without_record",
  "receipt_wrong",
  "receipt_without_entry",
  "receipt_missing",
  "first_use",
  "single_key",
  "jti_reused",
  "denials",
  "review_overdue",
  "review_invalid",
  "drill_invalid"
] as const;
export type AlarmCode = (typeof alarmCodes)[number];

export const alarmRows: Readonly<Record<AlarmCode, AlarmRow>> = {
  fork: { severity: "critical", title: "One seq of one VM has two different records", operator: "Somebody wrote a second record for the same moment, or two gateways use one node id at once. Compare both entries; the first one is the chain's, both are kept." },
  chain_break: { severity: "critical", title: "A record's prev is not the hash of the record before it", operator: "One of the two named records was edited, or replaced by another. Compare them with the gateway's own file and with older checkpoints." },
  head_mismatch: { severity: "critical", title: "A record is not the one whose hash the gateway published", operator: "The file was rewritten after the heartbeat. Keep the gateway's disk as it is, and look who could write there." },
  gap: { severity: "critical", title: "Records are missing", operator: "Look whether the shipper of that gateway is behind. What comes later fills the gap, on record. What never comes was lost or taken away." },
  gap_filled: { severity: "notice", title: "Records that were missing came after all", operator: "Nothing, if the shipper was down. Else ask who held it back." },
  late_start: { severity: "notice", title: "A VM's chain begins in the middle, as it is older than this ledger", operator: "Nothing, where the ledger was just set up: older records are in the gateway's rotated files." },
  missing_vm: { severity: "critical", title: "A gateway says that a VM has records, and none of them ever came", operator: "Compare the gateway's audit log with the ledger: a whole chain was lost, taken away, or is shipped nowhere." },
  late: { severity: "warning", title: "A record came so late that its place in the chain is no longer remembered", operator: "Nothing, where it is the line of a stream that was open for very long. `glassgate ledger verify` tells whether it is a repetition, a late record or a fork." },
  seq_jump: { severity: "warning", title: "A record's seq is far ahead of its chain", operator: "The record is kept and is not counted in the chain. Look who sent it." },
  after_end: { severity: "critical", title: "A record came for a VM that was over", operator: "Look for the record in the gateway's own file: either that VM stood still for a quarter of an hour and ran on, or somebody writes in its name." },
  settles_wrong: { severity: "critical", title: "A record settles or corrects another that is not what it would have to be", operator: "Compare both entries with the gateway's own file." },
  unsettled: { severity: "notice", title: "A request waited for its receipt, and what became of it never came", operator: "Nothing, where its client went away or its gateway died: nobody was let in. Where a `gap` of that VM is told of as well, look for the record that was taken away." },
  future: { severity: "warning", title: "A record is from the future", operator: "Compare the clocks of the gateway and of the ledger." },
  clock_back: { severity: "critical", title: "A record is much older than the record before it in its chain", operator: "Did the clock of that gateway's machine step back? If not, a grant was used after its end and the record dated back: treat the gateway as taken over until you know better." },
  foreign_sender: { severity: "critical", title: "A sender spoke for a gateway that is none of his", operator: "What he said is kept, with a chain of its own. Add the gateway to his speaks_for in ledger.yaml, or take his token away." },
  overflow: { severity: "warning", title: "A sender has more VMs, or more that waits to be judged, than is remembered", operator: "His records are kept, and what the alarm names is judged by nobody, not by `glassgate ledger verify` either. Look for a gateway that restarts all the time, or that writes what nobody can judge; nothing of other senders is forgotten for it." },
  record_unknown_member: { severity: "warning", title: "A record has a member or a value that this version does not know", operator: "The gateway is newer than the ledger: update the ledger." },
  quarantined: { severity: "warning", title: "Something came that is no line of a gateway's logs", operator: "`glassgate ledger tail DIR --type quarantine` shows it. Look who sent it." },
  silence: { severity: "critical", title: "A gateway has published no heartbeat for too long", operator: "Is it down, or its admin interface out of reach? Is `glassgate ledger follow` running beside it? Where it was taken out of service, take it out of ledger.yaml, and start the ledger anew." },
  silence_over: { severity: "notice", title: "A gateway that was silent has a heartbeat again", operator: "Nothing." },
  bad_evidence: { severity: "critical", title: "Nothing proves what the record of an access says", operator: "Somebody is named who signed nothing, approvals are missing, the grant had ended, or the record leaves out what would be judged: it was made up, or another filter lets in what nobody approved. Treat the gateway as taken over until you know better." },
  evidence_missing: { severity: "critical", title: "An access is on record, and no evidence of its approvals came", operator: "Look into the gateway's file for the line behind that record. Without it nobody is proven to have approved." },
  evidence_without_record: { severity: "warning", title: "Evidence came that no record names", operator: "Look for a gap of that gateway: a record was taken away, or somebody sends evidence that he has from elsewhere." },
  foreign_bundle: { severity: "critical", title: "A gateway serves a trust bundle that the pinned roots have not signed", operator: "It counts for nothing here. Look who configured that gateway, or whether the ledger's anchors are out of date." },
  anchors: { severity: "critical", title: "A gateway decides by other anchors than the pinned ones", operator: "Somebody changed its roots, threshold, audience or mode. If it was you, add the new anchors to ledger.yaml." },
  bundle_back: { severity: "critical", title: "A VM went back to an older trust bundle", operator: "The filter never does that by itself. Look who configured that gateway." },
  bundle_behind: { severity: "warning", title: "A VM still decides by an older trust bundle than the newest known", operator: "`glassgate push` to that gateway, and look why the push left it out." },
  bundle_conflict: { severity: "critical", title: "Two different trust bundles have one version", operator: "The root holders signed both. Find out which is meant, and push a newer one." },
  bundle_unknown: { severity: "warning", title: "Records name a trust bundle that the ledger was never shown", operator: "Let `glassgate ledger follow` read that gateway's configuration, or hand the bundle in. Until then its approvals are not verified." },
  answer_without_record: { severity: "critical", title: "A gateway answered a break-glass request, and no record allows it", operator: "The record was taken away, or the filter's denial was not enforced. Compare the gateway's files." },
  receipt_wrong: { severity: "critical", title: "A receipt does not hold", operator: "It was signed by no ledger of the bundle, or is for another log or record. Treat the gateway as taken over until you know better." },
  receipt_without_entry: { severity: "critical", title: "There is a receipt for an entry that this log does not have", operator: "Either the log was set back after it gave the receipt, or its key signs elsewhere. Compare a kept checkpoint." },
  receipt_missing: { severity: "critical", title: "An access that needs a receipt is on record without one", operator: "Look into the gateway's file for the receipt behind that record. If it asked for none, its filter or configuration was changed: treat the gateway as taken over until you know better." },
  first_use: { severity: "notice", title: "A grant was used for the first time", operator: "Is it the emergency that you know of? A review of it is due." },
  single_key: { severity: "warning", title: "One key was enough for an access", operator: "The entitlement demands no approval, or the bundle no second root. Change that, or review each use." },
  jti_reused: { severity: "critical", title: "One grant's name stands for two different grants", operator: "Somebody made a second grant look like the first. Compare both." },
  denials: { severity: "warning", title: "Many grants were denied within minutes", operator: "Somebody tries, or a script uses a grant that has ended. Look at the records that it names." },
  review_overdue: { severity: "warning", title: "Nobody has signed the review of a grant in time", operator: "Somebody who neither asked for it nor approved it looks at it (`glassgate review show`), and signs (`glassgate review close`). Nothing is locked until then." },
  review_invalid: { severity: "critical", title: "A closing signature is in the log and does not hold", operator: "The review is open. A ledger refuses such a signature: look who can write to the log besides it, or ask its operator why it was let in." },
  drill_invalid: { severity: "critical", title: "The signature of a drill is in the log and does not hold", operator: "Count that drill as not held. A ledger refuses such a signature: look who can write to the log besides it, or ask its operator why it was let in." },
};
