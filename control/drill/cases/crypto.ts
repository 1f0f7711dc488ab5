/** Grants that nobody signed as they are: forged, altered, or of another algorithm than the key's. */
import { algorithmOf, newKey } from "../../signer/jwk.js";
import type { Case, Stage } from "../model.js";
import { tries, verdict } from "./kit.js";

const otherAlgorithm = ({ players }: Stage): string =>
  algorithmOf(players.requester.key) === "Ed25519" ? "ES256" : "Ed25519";

export const cryptoCases: readonly Case[] = [
  tries({ name: "forged", title: "A forged grant", promise: 1 }, [
    {
      what: "a grant under the requester's key id, signed by another key",
      expected: verdict("signature"),
      grant: () => ({ forgedBy: newKey("Ed25519") }),
    },
    {
      what: "a grant by a key of nobody",
      expected: verdict("key_unknown"),
      grant: ({ players }) => ({ by: { sub: players.requester.sub, key: newKey("Ed25519") } }),
    },
  ]),
  tries({ name: "former-key", title: "A key that was replaced", promise: 1 }, [
    {
      what: "a grant by a key that was replaced",
      expected: verdict("key_unknown"),
      grant: ({ players: { former } }) => (former === undefined ? {} : { by: former }),
      unless: ({ players: { former } }) =>
        former === undefined ? "the drill file names no `people.former`: a key that was replaced" : undefined,
    },
  ]),
  tries({ name: "altered", title: "Claims altered under a kept signature", promise: 1 }, [
    {
      what: "a grant whose end was put off after it was signed",
      expected: verdict("signature"),
      grant: (stage) => ({ altered: { exp: stage.now() + stage.entitlement.max_ttl } }),
    },
    {
      what: "a grant whose paths were changed after it was signed",
      expected: verdict("signature"),
      grant: ({ target }) => ({
        altered: {
          authorization_details: [
            { type: "break_glass_http", locations: [target.host], actions: [target.method], paths: ["/**"] },
          ],
        },
      }),
    },
  ]),
  tries({ name: "algorithm-confusion", title: "Another algorithm than the key's", promise: 1 }, [
    { what: "a grant with alg none", expected: verdict("algorithm"), grant: () => ({ header: { alg: "none" } }) },
    {
      what: "a grant with alg HS256, keyed with the public key",
      expected: verdict("algorithm"),
      grant: () => ({ header: { alg: "HS256" } }),
    },
    {
      what: "a grant whose header names the other algorithm than its key's",
      expected: verdict("algorithm", "signature"),
      grant: (stage) => ({ header: { alg: otherAlgorithm(stage) } }),
    },
  ]),
];
