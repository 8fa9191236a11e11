// Draws the ladder and the timeline, filters the tables.  Texts become text nodes and nothing else.
(() => {
  const $ = (id) => document.getElementById(id);
  const data = JSON.parse($("data").textContent);
  const text = (number) => (number === null || number === undefined ? "" : data.texts[number]);
  const column = (of) => Object.fromEntries(data.columns[of].map((name, at) => [name, at]));
  const X = column("exchanges"), T = column("tunnels"), L = column("ladders"), S = column("steps"), V = column("stream");
  const PAGE = 100, BARS = 40;

  const make = (name, set = {}, ...inside) => {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(set)) {
      if (key === "class") element.className = value;
      else if (key in element && typeof value !== "string") element[key] = value;
      else element.setAttribute(key, value);
    }
    element.append(...inside.filter((each) => each !== null && each !== ""));
    return element;
  };
  const svg = (name, set = {}, said = "") => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(set)) element.setAttribute(key, value);
    if (said) element.textContent = said;
    return element;
  };

  // -- numbers in words ------------------------------------------------------------------
  const time = (us) => {
    if (us === null) return "";
    const sign = us < 0 ? "-" : "", at = Math.abs(us);
    if (at < 1e6) return `${sign}${(at / 1e3).toFixed(1)} ms`;
    if (at < 6e8) return `${sign}${(at / 1e6).toFixed(2)} s`;
    return `${sign}${(at / 6e7).toFixed(1)} min`;
  };
  const size = (bytes) => {
    if (bytes === null) return "";
    if (bytes < 1000) return `${bytes} B`;
    if (bytes < 1e6) return `${(bytes / 1e3).toFixed(1)} kB`;
    return `${(bytes / 1e6).toFixed(1)} MB`;
  };
  const between = (from, to) => (from === null || to === null ? null : Math.max(0, to - from));
  const firstAt = (row) => row[X.sentAt] ?? row[X.gotAt];
  const lastAt = (row) => row[X.gotEnd] ?? row[X.gotAt] ?? row[X.closedAt] ?? row[X.sentEnd] ?? row[X.sentAt];
  const status = (row) => (row[X.status] === null ? "no answer" : String(row[X.status]));

  // -- the ladder ------------------------------------------------------------------------
  const ladderOf = new Map();  // id of an exchange, tunnel or connection -> number of its ladder
  data.ladders.forEach((ladder, at) => ladder[L.ids].forEach((id) => {
    if (!ladderOf.has(text(id))) ladderOf.set(text(id), at);
  }));
  for (const row of data.exchanges) {  // an exchange stands for its connection
    const at = ladderOf.get(text(row[X.id])), of = text(row[X.connection]);
    if (at !== undefined && !ladderOf.has(of)) ladderOf.set(of, at);
  }
  const picker = $("ladder-of");
  let drawn = -1;

  const arrow = (step, x, y, lane) => {
    const [from, to] = [x(lane.indexOf(step[S.source])), x(lane.indexOf(step[S.target]))];
    const way = to > from ? 1 : -1, parts = [];
    if (step[S.inside]) parts.push(svg("line", { class: "tube", x1: from + 8 * way, x2: to - 8 * way, y1: y, y2: y }));
    parts.push(svg("line", { class: "arrow", x1: from, x2: to - 9 * way, y1: y, y2: y }));
    parts.push(svg("path", { class: "tip", d: `M${to} ${y}l${-10 * way} -5v10z` }));
    return [parts, (from + to) / 2, Math.abs(to - from)];
  };

  const drawLadder = () => {
    const ladder = data.ladders[drawn], place = $("ladder-drawn");
    place.replaceChildren();
    if (!ladder) {
      place.append(make("p", { class: "soft" }, "Nothing to draw: no exchange, tunnel or connection is in the report."));
      return;
    }
    const lanes = ladder[L.lanes], narrow = window.innerWidth <= 860;
    const room = place.clientWidth - 26;
    const gap = narrow ? Math.max(48, (room - 62) / lanes.length)
      : Math.min(240, Math.max(120, (room - 76 - 360) / Math.max(lanes.length, 3)));
    const width = gap * lanes.length, x = (at) => gap * (at + 0.5);
    const grid = make("div", { class: "ladder", role: "list", "aria-label": `${text(ladder[L.id])}: ${text(ladder[L.title])}` });
    const rungs = (height) => {
      const picture = svg("svg", { "aria-hidden": "true", height });
      lanes.forEach((_, at) => picture.append(svg("line", { class: "life", x1: x(at), x2: x(at), y1: 0, y2: "100%" })));
      const cell = make("div", { class: "rungs" }, picture);
      cell.style.width = narrow ? "100%" : `${width}px`;
      return [cell, picture];
    };
    const head = make("div", { class: "row head", "aria-hidden": "true" }, make("div", { class: "time" }));
    const [names, picture] = rungs(46);
    picture.replaceChildren();
    lanes.forEach((lane, at) => {
      const [title, where] = data.lanes[lane].map(text), most = Math.floor(gap / 7.4);
      picture.append(svg("text", { class: "lane", x: x(at), y: 17 }, title));
      picture.append(svg("text", { class: "place", x: x(at), y: 34 }, where.length > most ? `${where.slice(0, most - 1)}…` : where));
    });
    head.append(names, make("div", { class: "said soft" }, narrow ? "" : "what was said"));
    grid.append(head);
    const begun = ladder[L.steps].find((step) => step[S.at] !== null)?.[S.at] ?? 0;
    ladder[L.steps].forEach((step, at) => {
      const tone = text(step[S.tone]), broke = at === ladder[L.broke];
      const row = make("div", { class: `row ${tone}${broke ? " broke" : ""}`, role: "listitem" });
      row.dataset.of = text(step[S.of]);
      row.dataset.packet = step[S.packet] ?? "";
      const [cell, picture] = rungs("100%");
      const [parts, middle, span] = arrow(step, x, 26, lanes);
      picture.append(...parts);
      const said = text(step[S.text]), fits = !narrow && said.length * 6.7 < span - 24;
      const on = fits ? said : said.split(" ")[0];
      if (!narrow && on.length * 6.7 < span - 24) picture.append(svg("text", { class: "on", x: middle, y: 17 }, on));
      if (broke) picture.append(svg("path", { class: "cross", d: `M${middle - 6} 20l12 12m0 -12l-12 12` }));
      const ids = `${step[S.packet] === null ? "" : `#${step[S.packet]} `}${row.dataset.of}`;
      const [source, target] = [data.lanes[step[S.source]], data.lanes[step[S.target]]].map((lane) => text(lane[0]));
      row.append(
        make("div", { class: "time", title: "after the first step" }, step[S.at] === null ? "?" : `+${time(step[S.at] - begun)}`),
        cell,
        make("div", { class: "said" },
          make("span", { class: "ids" }, ids), " ",
          broke ? make("span", { class: "here" }, "here it broke") : null,
          make("span", { class: "hidden" }, `${source} to ${target}: `),
          make(fits ? "span" : "b", { class: fits ? "hidden" : "" }, said),
          fits ? null : " ",
          make("span", { class: "soft" }, text(step[S.note]))),
      );
      grid.append(row);
    });
    place.append(grid);
  };

  const choose = (at) => {
    if (at < 0 || at >= data.ladders.length) return;
    drawn = at;
    picker.value = String(at);
    if (picker.value !== String(at)) {  // the list holds a part of them
      picker.append(make("option", { value: String(at) }, nameOf(at)));
      picker.value = String(at);
    }
    drawLadder();
  };
  const nameOf = (at) => {
    const ladder = data.ladders[at];
    return `${ladder[L.failed] ? "✕ " : "   "}${text(ladder[L.id])}  ${text(ladder[L.title])}`;
  };
  const failedAfter = (from) => {
    const count = data.ladders.length;
    for (let step = 1; step <= count; step++) {
      const at = (from + step + count) % count;
      if (data.ladders[at][L.failed]) return at;
    }
    return -1;
  };
  /** Show the ladder of an id and mark its steps; true if there is one. */
  const jump = (id, packet) => {
    const at = ladderOf.get(id);
    if (at === undefined) return false;
    choose(at);
    const rows = [...$("ladder-drawn").querySelectorAll(".row:not(.head)")];
    const mine = rows.filter((row) => packet && row.dataset.packet === packet);
    for (const row of mine.length ? mine : rows.filter((row) => row.dataset.of === id)) row.classList.add("marked");
    $("ladder").scrollIntoView({ block: "start" });
    $("ladder-drawn").focus({ preventScroll: true });
    return true;
  };

  // -- exchanges: filter, table, timeline ------------------------------------------------------
  const words = new Map();  // row -> the text that a filter looks through, made when it is first needed
  const wordsOf = (row) => {
    if (!words.has(row)) {
      words.set(row, [X.id, X.hop, X.provider, X.client, X.server, X.method, X.target, X.outcome, X.answeredBy, X.tunnel,
        X.connection, X.auth, X.failure, X.model].map((at) => text(row[at])).concat(status(row)).join(" ").toLowerCase());
    }
    return words.get(row);
  };
  const fill = (id, values, all) => {
    $(id).append(make("option", { value: "" }, all), ...[...new Set(values)].sort().map((value) => make("option", { value }, value)));
  };
  let matching = data.exchanges, shown = 0, bars = 0;

  const has = (haystack, needles) => needles.every((needle) => haystack.includes(needle));
  const needlesOf = (input) => input.value.toLowerCase().split(/\s+/).filter(Boolean);

  const filter = () => {
    const needles = needlesOf($("filter-text"));
    const [provider, hop, code] = ["filter-provider", "filter-hop", "filter-status"].map((id) => $(id).value);
    const failed = $("filter-failed").checked, calls = $("filter-calls").checked;
    matching = data.exchanges.filter((row) =>
      (!provider || text(row[X.provider]) === provider) && (!hop || text(row[X.hop]) === hop)
      && (!code || status(row) === code) && (!failed || row[X.failed]) && (!calls || row[X.call])
      && has(wordsOf(row), needles));
    shown = bars = 0;
    $("exchanges-table").tBodies[0].replaceChildren();
    $("timeline-drawn").replaceChildren();
    showMore();
    drawMore();
  };

  const host = (number) => text(number).replace(/:\d+$/, "");
  const cell = (said, kind = "") => make("td", kind ? { class: kind } : {}, said);
  const rowOf = (row) => {
    const id = text(row[X.id]), code = row[X.status];
    const key = make("button", { type: "button", class: "key", "aria-expanded": "false" }, id);
    const line = make("tr", { class: row[X.failed] ? "failed" : "" },
      make("td", { class: "tight" }, key),
      cell(time(firstAt(row)), "number"), cell(host(row[X.client]), "tight"), cell(host(row[X.server]), "tight"),
      cell(`${text(row[X.method])} ${text(row[X.target])}`, "asked"),
      make("td", {}, make("span", { class: `status s${code === null ? 0 : Math.floor(code / 100)}` }, status(row)), " ",
        make("span", { class: "soft" }, [text(row[X.answeredBy]) && `by ${text(row[X.answeredBy])}`, text(row[X.failure])].filter(Boolean).join(", "))),
      cell(text(row[X.auth]) || (row[X.sentWhole] ? "none" : "not known")),
      cell(time(row[X.tookFirst]), "number"), cell(time(row[X.tookLast]), "number"),
      cell(size(row[X.gotBytes]), "number"), make("td", { class: "tight" }, text(row[X.tunnel]) && jumpButton(text(row[X.tunnel]), text(row[X.tunnel]))));
    key.addEventListener("click", () => toggle(line, row, key));
    return line;
  };

  const fields = (numbers, auth) => {
    const list = make("dl", { class: "fields" });
    for (let at = 0; at < numbers.length; at += 2) {
      const name = text(numbers[at]), mark = auth.includes(name.toLowerCase()) ? "auth" : "";
      list.append(make("dt", { class: mark }, name), make("dd", { class: mark }, text(numbers[at + 1])));
    }
    return list;
  };
  const detail = (row) => {
    const auth = row[X.authNames].map((name) => text(name).toLowerCase()), stream = row[X.stream];
    const facts = [
      ["request whole", time(row[X.tookRequest])], ["first byte", time(row[X.tookFirst])],
      ["last byte", time(row[X.tookLast])], ["ended by", text(row[X.endedBy])], ["outcome", text(row[X.outcome])],
      ["connection", `${text(row[X.connection])}, ${text(row[X.client])} to ${text(row[X.server])}`], ["model", text(row[X.model])], ["read inside TLS", row[X.decrypted] ? "yes" : ""],
      ["stream", stream && `${text(stream[V.words])}; longest silence ${time(stream[V.silence]) || "not known"}`],
    ].filter(([, said]) => said);
    const top = make("div", { class: "said-of" },
      ...facts.map(([name, said]) => make("span", {}, make("span", { class: "soft" }, `${name} `), said)),
      jumpButton(text(row[X.id]), "show in the ladder"));
    const leg = (title, packet, whole, numbers) => make("div", {},
      make("h3", {}, title, make("span", { class: "soft" }, `${packet === null ? "" : `  packet ${packet}`}${whole ? "" : "  not whole"}`)),
      numbers.length ? fields(numbers, auth) : make("p", { class: "soft" }, "no header field"));
    const sent = row[X.sentAt] !== null || row[X.sent].length, got = row[X.status] !== null;
    return make("div", {}, top, make("div", { class: "legs" },
      sent ? leg("Request headers", row[X.sentPacket], row[X.sentWhole], row[X.sent]) : make("p", { class: "soft" }, "The request is not in the capture."),
      got ? leg("Response headers", row[X.gotPacket], row[X.gotWhole], row[X.got]) : make("p", { class: "soft" }, "No final answer is in the capture.")));
  };
  const toggle = (line, row, key) => {
    const open = line.classList.toggle("open");
    key.setAttribute("aria-expanded", String(open));
    if (open) line.after(make("tr", { class: "more-of" }, make("td", { colspan: "11" }, detail(row))));
    else line.nextElementSibling.remove();
  };
  const jumpButton = (id, said) => {
    const button = make("button", { type: "button", class: "jump" }, said);
    button.dataset.jump = id;
    return button;
  };

  const showMore = () => {
    const next = matching.slice(shown, shown + PAGE);
    $("exchanges-table").tBodies[0].append(...next.map(rowOf));
    shown += next.length;
    const left = data.left.exchanges ? `; ${data.left.exchanges.toLocaleString("en")} more are in report.json alone` : "";
    $("exchanges-count").textContent = `${matching.length.toLocaleString("en")} of ${data.exchanges.length.toLocaleString("en")} exchanges${left}`;
    more($("exchanges-more"), matching.length - shown, PAGE);
  };
  const more = (button, left, step) => {
    button.hidden = left <= 0;
    button.textContent = `Show ${Math.min(left, step).toLocaleString("en")} of ${left.toLocaleString("en")} more`;
  };

  // -- the timeline ------------------------------------------------------------------------
  let scale = null;
  const drawMore = () => {
    const calls = matching.filter((row) => row[X.call] && firstAt(row) !== null), place = $("timeline-drawn");
    const next = calls.slice(bars, bars + BARS);
    if (!bars) {
      if (!next.length) place.append(make("p", { class: "soft" }, "No call to draw."));
      const all = calls.slice(0, 5000);
      const begin = all.reduce((least, row) => Math.min(least, firstAt(row)), Infinity);
      const end = all.reduce((most, row) => Math.max(most, lastAt(row)), -Infinity);
      scale = { begin, span: Math.max(1000, end - begin) };
      if (next.length) place.append(axis());
    }
    const grid = place.querySelector(".times");
    for (const row of next) grid.append(bar(row));
    bars += next.length;
    more($("timeline-more"), calls.length - bars, BARS);
  };
  const percent = (at) => `${(((at - scale.begin) / scale.span) * 98).toFixed(3)}%`;
  const axis = () => {
    const picture = svg("svg", { "aria-hidden": "true" });
    const step = [1, 2, 5].flatMap((n) => Array.from({ length: 11 }, (_, e) => n * 10 ** e)).sort((a, b) => a - b)
      .find((each) => scale.span / each <= 6) ?? scale.span;
    for (let at = 0; at <= scale.span; at += step) {
      picture.append(svg("line", { class: "rule", x1: percent(scale.begin + at), x2: percent(scale.begin + at), y1: 14, y2: 20 }));
      if (at < scale.span * 0.92) picture.append(svg("text", { class: "tick", x: percent(scale.begin + at), y: 11 }, `+${time(at)}`));
    }
    return make("div", { class: "times", role: "list", "aria-label": "Calls in time" },
      make("div", { class: "row", "aria-hidden": "true" }, make("span", { class: "soft" }, "call"), picture, make("span", { class: "after" }, "")));
  };
  const bar = (row) => {
    const picture = svg("svg", { "aria-hidden": "true" }), stream = row[X.stream];
    const part = (kind, from, to, least = 2) => {
      if (from === null || to === null || from === undefined || to === undefined) return;
      const rect = svg("rect", { class: kind, x: percent(from), y: 4, width: `${Math.max(0, ((to - from) / scale.span) * 98).toFixed(3)}%`, height: 12, rx: 1.5 });
      rect.style.minWidth = `${least}px`;
      if (to === from) rect.setAttribute("width", String(least));
      picture.append(rect);
    };
    part("sending", row[X.sentAt], row[X.sentEnd]);
    part("waiting", row[X.sentEnd], row[X.gotAt] ?? lastAt(row));
    const after = [];
    if (stream && stream[V.firstAt] !== null) {
      part("outline", row[X.gotAt], row[X.gotEnd] ?? stream[V.lastAt], 0);
      part("answering", stream[V.firstAt], stream[V.lastAt]);
      const tail = between(stream[V.lastAt], lastAt(row)) ?? 0;
      if (tail > (stream[V.silence] ?? 0)) after.push(`silent for ${time(tail)} at its end`);
      else if (stream[V.silence] !== null) after.push(`longest silence ${time(stream[V.silence])}`);
    } else part("answering", row[X.gotAt], row[X.gotEnd] ?? row[X.gotAt]);
    if (row[X.failed]) picture.append(svg("path", { class: "failing", d: "M-4 -4l8 8m0 -8l-8 8", transform: "" }));
    if (row[X.failed]) {
      const mark = picture.lastChild, nest = svg("svg", { x: percent(lastAt(row)), y: 10, overflow: "visible", width: 1, height: 1 });
      picture.replaceChild(nest, mark);
      nest.append(mark);
    }
    const name = `${text(row[X.id])} ${text(row[X.method])} ${text(row[X.target])}`;
    const button = make("button", { type: "button", class: row[X.failed] ? "failed" : "", title: name }, name);
    button.dataset.jump = text(row[X.id]);
    after.unshift(`${status(row)} ${time(between(firstAt(row), lastAt(row)))}`);
    return make("div", { class: "row", role: "listitem" }, button, picture, make("span", { class: "after" }, after.join(", ")));
  };

  // -- tunnels -------------------------------------------------------------------------------
  let tunnels = data.tunnels, tunnelsShown = 0;
  const tunnelRow = (row) => make("tr", { class: row[T.opened] === 0 ? "failed" : "" },
    make("td", { class: "tight" }, jumpButton(text(row[T.id]), text(row[T.id]))), cell(time(row[T.at]), "number"),
    ...[T.openedBy, T.authority, T.connect, T.tls, T.carries].map((at) => cell(text(row[at]))),
    cell(size(row[T.up]), "number"), cell(size(row[T.down]), "number"), cell(text(row[T.closedBy])));
  const moreTunnels = () => {
    const next = tunnels.slice(tunnelsShown, tunnelsShown + PAGE);
    $("tunnels-table").tBodies[0].append(...next.map(tunnelRow));
    tunnelsShown += next.length;
    const left = data.left.tunnels ? `; ${data.left.tunnels.toLocaleString("en")} more are in report.json alone` : "";
    $("tunnels-count").textContent = `${tunnels.length.toLocaleString("en")} of ${data.tunnels.length.toLocaleString("en")} tunnels${left}`;
    more($("tunnels-more"), tunnels.length - tunnelsShown, PAGE);
  };
  const filterTunnels = () => {
    const needles = needlesOf($("tunnels-text"));
    tunnels = data.tunnels.filter((row) => has([T.id, T.openedBy, T.authority, T.connect, T.tls, T.sni, T.carries, T.closedBy]
      .map((at) => text(row[at])).join(" ").toLowerCase(), needles));
    tunnelsShown = 0;
    $("tunnels-table").tBodies[0].replaceChildren();
    moreTunnels();
  };

  // -- wiring --------------------------------------------------------------------------------
  fill("filter-provider", data.exchanges.map((row) => text(row[X.provider])), "any");
  fill("filter-hop", data.exchanges.map((row) => text(row[X.hop])), "any");
  fill("filter-status", data.exchanges.map(status), "any");
  picker.append(...data.ladders.slice(0, 500).map((_, at) => make("option", { value: String(at) }, nameOf(at))));
  picker.addEventListener("change", () => choose(Number(picker.value)));
  $("ladder-back").addEventListener("click", () => choose(drawn - 1));
  $("ladder-on").addEventListener("click", () => choose(drawn + 1));
  $("ladder-failed").addEventListener("click", () => choose(failedAfter(drawn)));
  $("ladder-failed").hidden = failedAfter(-1) < 0;
  $("filter").addEventListener("input", filter);
  $("filter").addEventListener("reset", () => setTimeout(filter));
  $("filter").addEventListener("submit", (event) => event.preventDefault());
  $("exchanges-more").addEventListener("click", showMore);
  $("timeline-more").addEventListener("click", drawMore);
  $("tunnels-text").addEventListener("input", filterTunnels);
  $("tunnels-more").addEventListener("click", moreTunnels);
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-jump]");
    if (button) jump(button.dataset.jump, button.dataset.packet);
  });
  for (const button of document.querySelectorAll("button.jump[data-jump]")) {
    if (!ladderOf.has(button.dataset.jump)) button.disabled = true;
  }
  document.addEventListener("keydown", (event) => {
    if (event.target.matches("input, select, textarea") || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "/") { event.preventDefault(); $("filter-text").focus(); }
    if (event.key === "n") choose(drawn + 1);
    if (event.key === "p") choose(drawn - 1);
    if (event.key === "f") choose(failedAfter(drawn));
  });
  let wide = window.innerWidth;
  window.addEventListener("resize", () => { if (window.innerWidth !== wide) { wide = window.innerWidth; drawLadder(); } });

  // The cause's first place, else the first failed call, else the first of all.
  const told = document.querySelector("#cause .jump");
  const first = told ? ladderOf.get(told.dataset.jump) : undefined;
  if (data.ladders.length) choose(first ?? Math.max(0, failedAfter(-1)));
  else drawLadder();
  filter();
  moreTunnels();
  document.documentElement.dataset.ready = "yes";
})();
