import { Approvers, NEVER, quorumMetAt } from "../../../assembly/decide/quorum";
import { ApprovalRule, Entitlement, FOREVER, Principal, RoleHold } from "../../../assembly/trust/trust";
import { bytesOf, lengthOf } from "../bytes";

/** `roles`: one letter each. */
function principal(roles: string): Principal {
  const made = changetype<Principal>(heap.alloc(offsetof<Principal>()));
  memory.fill(changetype<usize>(made), 0, offsetof<Principal>());
  for (let i = 0; i < roles.length; i++) {
    const hold = changetype<RoleHold>(heap.alloc(offsetof<RoleHold>()));
    hold.namePtr = bytesOf(roles.charAt(i));
    hold.nameLen = 1;
    hold.next = made.firstRole;
    hold.notBefore = 0;
    hold.expiresAt = FOREVER;
    made.firstRole = changetype<usize>(hold);
  }
  return made;
}

/** `rules`: one letter a seat. `times`: when each of the people approved. */
function metAt(rules: string, people: string[], times: i64[]): i64 {
  const entitlement = changetype<Entitlement>(heap.alloc(offsetof<Entitlement>()));
  memory.fill(changetype<usize>(entitlement), 0, offsetof<Entitlement>());
  for (let i = 0; i < rules.length; i++) {
    const rule = changetype<ApprovalRule>(heap.alloc(offsetof<ApprovalRule>()));
    rule.namePtr = bytesOf(rules.charAt(i));
    rule.nameLen = lengthOf(rules.charAt(i));
    rule.next = entitlement.firstApprovalRule;
    rule.count = 1;
    entitlement.firstApprovalRule = changetype<usize>(rule);
    entitlement.quorum += 1;
  }
  const approvers = new Approvers();
  approvers.clear();
  for (let i = 0; i < people.length; i++) approvers.add(principal(people[i]), times[i]);
  return quorumMetAt(entitlement, approvers, 5);
}

function isMet(rules: string, people: string[]): bool {
  return metAt(rules, people, [5, 5, 5, 5, 5, 5, 5, 5]) != NEVER;
}

describe("quorum", () => {
  it("fills every seat with another approver", () => {
    expect(isMet("a", ["a"])).toBe(true);
    expect(isMet("a", ["b"])).toBe(false);
    expect(isMet("aa", ["a"])).toBe(false);
    expect(isMet("ab", ["ab"])).toBe(false);
    expect(isMet("aa", ["a", "a"])).toBe(true);
    expect(isMet("aaaaaaaa", ["a", "a", "a", "a", "a", "a", "a", "a"])).toBe(true);
    expect(isMet("aaaaaaaa", ["a", "a", "a", "a", "a", "a", "a", "b"])).toBe(false);
  });
  it("is searched, not greedy", () => {
    expect(isMet("ab", ["ab", "a"])).toBe(true);
    expect(isMet("ba", ["ab", "a"])).toBe(true);
    expect(isMet("abc", ["abc", "ab", "a"])).toBe(true);
    expect(isMet("abc", ["ab", "ab", "ab"])).toBe(false);
    expect(isMet("aabbccdd", ["abcd", "abcd", "abc", "abc", "ab", "ab", "a", "a"])).toBe(true);
    expect(isMet("aabbccdd", ["abcd", "abc", "abc", "abc", "ab", "ab", "a", "a"])).toBe(false);
    expect(isMet("aabbccdd", ["abcd", "abcd", "bc", "bc", "ab", "bd", "a", "ad"])).toBe(true);
  });
  it("ignores who fills no seat", () => {
    expect(isMet("a", ["b", "c", "a"])).toBe(true);
  });
  it("is there from the approval that fills the last seat", () => {
    expect(metAt("a", ["a", "a"], [7, 3])).toBe(3);
    expect(metAt("aa", ["a", "a", "a"], [9, 3, 7])).toBe(7);
    expect(metAt("ab", ["a", "b"], [1, 9])).toBe(9);
    expect(metAt("ab", ["a", "b", "ab"], [1, 9, 4])).toBe(4);
    expect(metAt("ab", ["ab", "ab", "b"], [2, 2, 1])).toBe(2);
    expect(metAt("a", ["b", "a"], [1, 8])).toBe(8);
  });
  it("searches that moment as well: who came first is moved to another seat, not passed over", () => {
    expect(metAt("ab", ["ab", "a", "b"], [1, 2, 3])).toBe(2);
    expect(metAt("ba", ["ab", "b", "a"], [1, 2, 3])).toBe(2);
    expect(metAt("abc", ["abc", "ab", "a", "c"], [1, 2, 3, 4])).toBe(3);
    expect(metAt("ab", ["a", "a", "a", "b"], [1, 2, 3, 4])).toBe(4);
    expect(metAt("aabbccdd", ["abcd", "abcd", "abc", "abc", "ab", "ab", "a", "a"], [8, 7, 6, 5, 4, 3, 2, 1])).toBe(8);
  });
});
