/** The captions page with a text of its own, to see what it looks like: nothing is connected. */

import { applyLook } from "./look.js";
import { Rows } from "./rows.js";
import { sample } from "./texts.js";

const look = document.body.dataset;
look.status = "no";
applyLook(document.body);
const rows = new Rows(document.body);
sample().forEach((text, at) => rows.show({ id: at + 1, text, final: true }));
