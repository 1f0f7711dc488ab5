/** `glassgate review ...`: a human looks at every use, and signs. */
import type { Command } from "commander";
import { addReviewClose } from "./review-close.js";
import { addReviewList } from "./review-list.js";
import { addReviewOverdue } from "./review-overdue.js";
import { addReviewPage } from "./review-page.js";
import { addReviewServe } from "./review-serve.js";
import { addReviewShow } from "./review-show.js";

export function addReview(program: Command): void {
  const review = program.command("review").description("look at what was done with each grant, and sign that you have");
  addReviewList(review);
  addReviewShow(review);
  addReviewClose(review);
  addReviewPage(review);
  addReviewServe(review);
  addReviewOverdue(review);
}
