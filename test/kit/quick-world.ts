/** The people of World, for those who make grants by the hundred thousand: their keys sign quickly, as all of the kit's do. */
import { World } from "./world.js";

export class QuickWorld extends World {}
