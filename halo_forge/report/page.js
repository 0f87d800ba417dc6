"use strict";
// Draws the gallery. Data and model text reaches the page as text only: textContent and DOM methods, never markup.
(function () {
  const data = JSON.parse(document.getElementById("data").textContent);
  const PAGE = 12;
  const SIGNS = { supported: "✓", contradicted: "✗", unknown: "?" };
  const WORDS = { supported: "supported", contradicted: "contradicted", unknown: "no verdict" };
  const SVG = "http://www.w3.org/2000/svg";
  const $ = (id) => document.getElementById(id);
  const form = $("filters"), cards = $("cards"), more = $("more"), count = $("count"), tip = $("tip");
  let matching = [], shown = 0;

  function el(name, className, text) {
    const made = document.createElement(name);
    if (className) made.className = className;
    if (text !== undefined && text !== null) made.textContent = String(text);
    return made;
  }
  function svg(name, attributes) {
    const made = document.createElementNS(SVG, name);
    for (const key of Object.keys(attributes)) made.setAttribute(key, String(attributes[key]));
    return made;
  }
  function add(parent, ...children) {
    for (const child of children) if (child) parent.append(child);
    return parent;
  }
  const figure = (value, digits) => (value === null || value === undefined ? "–" : value.toFixed(digits === undefined ? 2 : digits));

  // ---- what matches the filters
  for (const entry of data.entries) {
    const texts = [entry.id, entry.question, entry.prompt || "", entry.where, ...(entry.answers || []), ...entry.choices];
    for (const image of entry.images) for (const box of [...(image.objects || []), ...(image.texts || [])]) texts.push(box[0]);
    entry.words = texts.join("\n").toLowerCase();
    for (const said of entry.said) {
      const own = [(said.answer || "") + "\n" + (said.error || "") + "\n"];
      for (const piece of said.text) own.push(piece[0]);
      const told = [];
      for (const claim of said.claims || []) told.push(claim[1], claim[4]);
      said.words = (own.join("") + "\n" + told.join("\n")).toLowerCase();
    }
  }
  function asked() {
    return {
      search: $("f-search").value.toLowerCase().trim(), look: $("f-look").value, cycle: $("f-cycle").value,
      verdict: $("f-verdict").value, fate: $("f-fate").value, rows: $("f-rows").value,
    };
  }
  function fits(said, entry, want) {
    if (want.cycle !== "" && String(said.cycle) !== want.cycle) return false;
    if (want.verdict && want.verdict !== verdictOf(said)) return false;
    if (want.fate && !said.fates.some((fate) => (want.fate === "kept") === fate[0])) return false;
    if (want.look === "right but low reward" && said.flag !== "low") return false;
    if (want.look === "wrong but high reward" && said.flag !== "high") return false;
    return !want.search || entry.words.includes(want.search) || said.words.includes(want.search);
  }
  const verdictOf = (said) => (said.ok === true ? "right" : said.ok === false ? "wrong" : "none");
  const SURPRISES = ["right but low reward", "wrong but high reward"];
  function find() {
    const want = asked();
    const narrowed = want.cycle !== "" || want.verdict || want.fate || SURPRISES.includes(want.look);
    matching = [];
    let completions = 0;
    for (const entry of data.entries) {
      if (want.rows && (want.rows === "held") !== entry.held) continue;
      if (want.look && !SURPRISES.includes(want.look) && !entry.kinds.includes(want.look)) continue;
      const said = entry.said.filter((one) => fits(one, entry, want));
      const bare = !entry.said.length && !narrowed && (!want.search || entry.words.includes(want.search));
      if (!said.length && !bare) continue;
      completions += said.reduce((sum, one) => sum + one.samples.length, 0);
      matching.push([entry, said]);
    }
    const of = matching.length === data.entries.length ? "" : " of " + data.entries.length.toLocaleString("en");
    count.textContent = matching.length.toLocaleString("en") + of + " prompts, " + completions.toLocaleString("en") + " completions";
    cards.replaceChildren();
    shown = 0;
    next();
  }
  function next() {
    const first = shown;
    for (const [entry, said] of matching.slice(shown, shown + PAGE)) cards.append(card(entry, said, first + cards.children.length));
    shown = Math.min(matching.length, shown + PAGE);
    more.hidden = shown >= matching.length;
    more.textContent = "Show more (" + (matching.length - shown).toLocaleString("en") + " left)";
    return cards.children[first];
  }

  // ---- a prompt
  function card(entry, said) {
    const made = el("article", "card");
    const title = el("h3", "question");
    title.id = "q-" + entry.id.slice(0, 24).replace(/[^\w-]/g, "_") + (entry.held ? "-held" : "");
    add(title, el("bdi", "", entry.question || "(no question)"));
    made.tabIndex = 0;
    made.setAttribute("aria-labelledby", title.id);
    const body = el("div");
    const chips = el("p", "meta");
    for (const kind of entry.kinds) add(chips, el("span", "chip" + (kind.startsWith("right but") ? " low" : kind.startsWith("wrong but") ? " high" : ""), kind));
    add(body, chips.childNodes.length ? chips : null, title, gold(entry));
    if (entry.prompt) add(body, folded("asked as", entry.prompt));
    if (entry.error) add(body, el("p", "quiet", "error: " + entry.error));
    const meta = el("p", "meta", [entry.held ? "held out" : "training", entry.where, entry.style, entry.metric].filter(Boolean).join(" · ") + " · ");
    add(meta, el("code", "", entry.id.slice(0, 12)));
    add(body, meta);
    let cycle = null, side = null;
    for (const one of said) {
      if (one.cycle !== cycle) {
        cycle = one.cycle;
        const same = entry.said.filter((other) => other.cycle === cycle);
        const total = same.reduce((sum, other) => sum + other.samples.length, 0);
        const cut = total < one.of ? ", " + total + " of " + one.of + " samples" : "";
        add(body, el("h4", "cycle", (cycle === 0 ? "Base" : "Cycle " + cycle) + cut));
        side = el("div", "side");
        add(body, side);
      }
      add(side, completion(one));
    }
    const hidden = entry.said.length - said.length;
    if (hidden > 0) add(body, others(entry, said, hidden));
    if (!entry.said.length) add(body, el("p", "quiet", "No completion of this prompt."));
    return add(made, pictures(entry), body);
  }
  function others(entry, said, hidden) {
    const button = el("button", "", "Show the " + hidden + " other completion" + (hidden > 1 ? "s" : ""));
    button.type = "button";
    const line = add(el("p", "meta"), button);
    button.addEventListener("click", () => {
      const old = line.closest("article"), fresh = card(entry, entry.said);
      old.replaceWith(fresh);
      fresh.focus();
    });
    return line;
  }
  function gold(entry) {
    const line = el("p", "gold");
    if (entry.answers === null) return add(line, el("span", "quiet", "no ground truth"));
    const answers = [...new Set(entry.answers)];
    add(line, el("span", "quiet", answers.length > 1 ? "answers: " : "answer: "), add(el("b"), el("bdi", "", answers.join(" | "))));
    if (entry.choices.length) add(line, el("span", "quiet", " of "), el("bdi", "quiet", entry.choices.join(" | ")));
    return line;
  }
  function folded(name, text) {
    return add(el("details"), el("summary", "", name), el("p", "words", text));
  }
  function pictures(entry) {
    const made = el("div", "pictures");
    for (const image of entry.images) add(made, picture(image));
    if (!entry.images.length) add(made, el("p", "quiet", "no image"));
    if (entry.more_images) add(made, el("p", "found", entry.more_images + " more images are not shown"));
    return made;
  }
  function picture(image) {
    const made = el("div");
    const found = [...(image.objects || []).map((box) => ["object", box]), ...(image.texts || []).map((box) => ["text", box])];
    const uri = image.there ? data.images[image.id] : null;
    if (uri) {
      const frame = el("div", "picture"), shownImage = el("img");
      shownImage.alt = found.length ? "Image with " + found.map((one) => one[1][0]).slice(0, 12).join(", ") : "Image of the question";
      shownImage.decoding = "async";
      shownImage.addEventListener("load", () => { if (shownImage.naturalWidth <= 128) shownImage.classList.add("tiny"); });
      shownImage.src = uri;
      const over = svg("svg", { viewBox: "0 0 1 1", preserveAspectRatio: "none", "aria-hidden": "true" });
      for (const [kind, box] of found) {
        const drawn = svg("rect", { class: kind, x: box[2], y: box[3], width: Math.max(0, box[4] - box[2]), height: Math.max(0, box[5] - box[3]) });
        drawn.dataset.tip = (kind === "text" ? "reads “" + box[0] + "”" : box[0]) + " " + figure(box[1]);
        over.append(drawn);
      }
      add(made, add(frame, shownImage, over));
    } else add(made, el("p", "found", "image left out or unreadable"));
    if (!image.seen) add(made, el("p", "found", "nobody looked at it: no boxes"));
    else {
      const names = (image.objects || []).map((box) => box[0] + " " + figure(box[1])).join(", ") || "no object";
      const texts = (image.texts || []).map((box) => "“" + box[0] + "” " + figure(box[1])).join(", ") || "no text";
      add(made, el("p", "found", names + " · " + texts + (image.more ? " · " + image.more + " more" : "")));
    }
    if (image.error) add(made, el("p", "found", "error: " + image.error));
    return made;
  }

  // ---- a completion
  function completion(said) {
    const verdict = verdictOf(said);
    const made = el("div", "said " + verdict);
    const top = el("div", "top");
    add(top, el("span", "verdict", { right: "✓ right", wrong: "✗ wrong", none: "not judged" }[verdict]));
    const worth = said.reward !== undefined ? "reward " + figure(said.reward) : said.score !== undefined ? "score " + figure(said.score) : "";
    add(top, el("span", "", worth), el("span", "quiet", sampleOf(said)));
    add(made, top, words(said));
    if (said.cut) add(made, el("p", "quiet", "cut here: " + said.cut.toLocaleString("en") + " more characters"));
    add(made, add(el("p", "quiet", said.answer === null ? "no answer found" : "answer: "), said.answer === null ? null : el("bdi", "", said.answer)));
    for (const [fate, times] of fatesOf(said)) add(made, el("p", "quiet", fate + (times > 1 ? " (" + times + " times)" : "")));
    if (said.error) add(made, el("p", "quiet", "error: " + said.error));
    if (said.flag) add(made, el("span", "chip " + said.flag, said.flag === "low" ? "right but low reward" : "wrong but high reward"));
    if (said.scores && said.scores.length) add(made, reward(said));
    if (said.claims && said.claims.length) add(made, claims(said));
    return made;
  }
  function sampleOf(said) {
    const parts = [said.greedy ? "greedy" : "sample " + said.samples.join(", ")];
    if (said.tokens !== undefined) parts.push(said.tokens + " tokens");
    if (said.truncated) parts.push("cut off");
    return parts.join(" · ");
  }
  function fatesOf(said) {
    const found = new Map();
    for (const [keep, reason] of said.fates) {
      const name = (keep ? "kept" : "dropped") + (reason ? ": " + reason : "");
      found.set(name, (found.get(name) || 0) + 1);
    }
    return found;
  }
  function worst(numbers, said) {
    const verdicts = numbers.map((number) => said.claims[number][0]);
    return ["contradicted", "supported", "unknown"].find((one) => verdicts.includes(one));
  }
  function words(said) {
    const made = el("p", "words");
    made.dir = "auto";
    const last = new Map();
    said.text.forEach(([, numbers], place) => numbers.forEach((number) => last.set(number, place)));
    let first = true;
    said.text.forEach(([text, numbers], place) => {
      if (!numbers.length) { made.append(text); return; }
      const verdict = worst(numbers, said), mark = el("mark", verdict, text);
      mark.tabIndex = first ? 0 : -1;
      first = false;
      mark.dataset.tip = numbers.map((number) => evidence(said.claims[number])).join("\n");
      mark.setAttribute("aria-label", text + " (" + mark.dataset.tip + ")");
      mark.setAttribute("role", "note");
      if (numbers.some((number) => last.get(number) === place)) {
        const sign = el("sup", "", SIGNS[verdict]);
        sign.setAttribute("aria-hidden", "true");
        mark.append(sign);
      }
      made.append(mark);
    });
    if (!said.text.length) add(made, el("span", "quiet", "(nothing)"));
    return made;
  }
  const evidence = (claim) => SIGNS[claim[0]] + " " + WORDS[claim[0]] + (claim[3] === null ? "" : ", p = " + figure(claim[3])) + ": " + claim[1] + (claim[4] ? " (" + claim[4] + ")" : "");
  function claims(said) {
    const of = (verdict) => said.claims.filter((claim) => claim[0] === verdict).length;
    const name = Object.keys(SIGNS).filter(of).map((verdict) => of(verdict) + " " + WORDS[verdict]).join(", ");
    const list = el("ul", "claims");
    for (const claim of said.claims) {
      const line = add(el("li"), el("span", "sign " + claim[0], SIGNS[claim[0]] + " "), el("bdi", "", claim[1]));
      add(line, el("span", "quiet", " " + WORDS[claim[0]] + (claim[3] === null ? "" : " " + figure(claim[3])) + (claim[4] ? ": " + claim[4] : "") + " [" + claim[2] + "]"));
      add(list, line);
    }
    if (said.unshown) add(list, el("li", "quiet", said.unshown + " more claims"));
    return add(el("details"), el("summary", "", "Claims: " + name), list);
  }
  function reward(said) {
    const weights = data.settings.weights, box = el("div", "parts"), sum = weights ? weights.reduce((a, b) => a + b, 0) : 0;
    said.scores.forEach(([name, score, parts], place) => {
      const weight = weights && place < 3 ? " × " + figure(weights[place] / sum) : "";
      const drawn = svg("svg", { viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true" });
      drawn.append(svg("rect", { class: "bar-bg", width: 100, height: 10 }), svg("rect", { class: score === null ? "bar-none" : "bar", width: 100 * (score === null ? 0.5 : score), height: 10 }));
      add(box, el("span", "", name), drawn, el("span", "n", (score === null ? "–" : figure(score)) + weight));
      const detail = parts.map(([part, value]) => part + " " + figure(value)).join(" · ");
      if (score === null) add(box, el("span", "detail", "nothing to judge: counts as 0.5"));
      else if (detail) add(box, el("span", "detail", detail));
    });
    const made = add(el("details"), el("summary", "", "Reward in parts"), box);
    if (said.ok === false && data.settings.combine === "gated") add(made, el("p", "quiet", "wrong: the mean of the parts is scaled below that of every right answer"));
    made.open = true;
    return made;
  }

  // ---- what things say when pointed at
  function say(target) {
    const at = target instanceof Element ? target.closest("[data-tip]") : null;
    if (!at) { tip.hidden = true; return; }
    tip.textContent = at.getAttribute("data-tip");
    tip.hidden = false;
    const box = at.getBoundingClientRect(), own = tip.getBoundingClientRect();
    const left = Math.min(Math.max(8, box.left + box.width / 2 - own.width / 2), document.documentElement.clientWidth - own.width - 8);
    const above = box.top - own.height - 8;
    tip.style.left = left + "px";
    tip.style.top = (above > 8 ? above : box.bottom + 8) + "px";
  }
  document.addEventListener("pointerover", (event) => say(event.target));
  document.addEventListener("focusin", (event) => say(event.target));
  document.addEventListener("scroll", () => {
    if (!tip.hidden) say(document.activeElement); // going to a claim by keyboard scrolls; the wheel ends what is said
  }, { passive: true, capture: true });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") tip.hidden = true;
    if (!["ArrowRight", "ArrowLeft"].includes(event.key) || !(event.target instanceof Element) || event.target.tagName !== "MARK") return;
    const marks = [...event.target.closest(".words").querySelectorAll("mark")];
    const other = marks[marks.indexOf(event.target) + (event.key === "ArrowRight" ? 1 : -1)];
    if (!other) return;
    event.preventDefault();
    event.target.tabIndex = -1;
    other.tabIndex = 0;
    other.focus();
  });

  // ---- begin
  const order = ["right but low reward", "wrong but high reward", "now wrong", "now right", "wrong", "forgotten", "newly solved", "never solved", "kept", "dropped"];
  const kinds = new Set(data.entries.flatMap((entry) => [...entry.kinds, ...entry.said.map((said) => ({ low: order[0], high: order[1] })[said.flag]).filter(Boolean)]));
  const cycles = [...new Set(data.entries.flatMap((entry) => entry.said.map((said) => said.cycle)))].sort((a, b) => a - b);
  function options(id, first, values, name) {
    add($(id), Object.assign(el("option", "", first), { value: "" }), ...values.map((value) => Object.assign(el("option", "", name(value)), { value: String(value) })));
  }
  options("f-look", "any", order.filter((kind) => kinds.has(kind) && !["kept", "dropped"].includes(kind)), (kind) => kind);
  options("f-cycle", "all", cycles, (cycle) => (cycle === 0 ? "0 (base)" : String(cycle)));
  let wait = 0;
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("change", (event) => { if (event.target.id !== "f-boxes") find(); });
  form.addEventListener("input", (event) => { if (event.target.id === "f-search") { clearTimeout(wait); wait = setTimeout(find, 120); } });
  form.addEventListener("reset", () => setTimeout(() => { document.body.classList.remove("noboxes"); find(); }));
  $("f-boxes").addEventListener("change", (event) => document.body.classList.toggle("noboxes", !event.target.checked));
  more.addEventListener("click", () => { const first = next(); if (first) first.focus({ preventScroll: true }); });
  form.hidden = !data.entries.length;
  find();
})();
