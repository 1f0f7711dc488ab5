/** The people of World with keys that sign quickly: for those who make grants by the hundred thousand. */
import { quickSigner } from "./quick.js";
import { World } from "./world.js";

export class QuickWorld extends World {
  override readonly roots = [quickSigner("Ed25519"), quickSigner("ES256"), quickSigner("Ed25519")] as const;
  override readonly rita = quickSigner("Ed25519");
  override readonly rita2 = quickSigner("ES256");
  override readonly ritaAdmin = quickSigner("Ed25519");
  override readonly adam = quickSigner("ES256");
  override readonly adam2 = quickSigner("Ed25519");
  override readonly anna = quickSigner("Ed25519");
  override readonly alex = quickSigner("ES256");
  override readonly bot = quickSigner("Ed25519");
  override readonly temp = quickSigner("Ed25519");
  override readonly late = quickSigner("Ed25519");
  override readonly gone = quickSigner("Ed25519");
  override readonly crowd = Array.from({ length: 9 }, () => quickSigner("Ed25519"));
  override readonly stranger = quickSigner("Ed25519");
}
