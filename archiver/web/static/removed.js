// The page of a recording that was removed: nothing to hear, but the way on is the same.

import "./desk.js";
import { listen } from "./keys.js";

const $ = (id) => document.getElementById(id);

listen({
  n: () => ($("next") ? $("next").click() : $("take-next")?.elements.queue && $("take-next").requestSubmit()),
  p: () => $("previous")?.click(),
});
