/** Every text of the page. */

import { CHINESE } from "./chinese.js";
import { ENGLISH } from "./english.js";

export const TEXTS = { en: ENGLISH, zh: CHINESE };
