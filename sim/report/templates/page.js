// The glue between the page and plotly: fills what the figures leave open (language, units, week, hour, element),
// draws a figure when it comes into sight, and sorts and filters tables. No charting of its own.
"use strict";
(function () {
  const page = JSON.parse(document.getElementById("content").textContent);
  const root = document.documentElement;
  const state = {
    lang: root.dataset.lang, theme: root.dataset.theme, week: page.first_week, heat: "pv",
    mode: "max", hour: page.first_hour, element: null, width: null,
  };
  const FACTORS = page.factors;
  const LEVELS = page.loading_steps;
  const NARROW_PX = 560;
  const drawn = new Set();
  const word = (key) => page.words[key][state.lang === "zh" ? 0 : 1];
  const both = (name) => name[state.lang];
  const keep = (key, value) => { try { localStorage.setItem("wumeng." + key, value); } catch { /* private window */ } };

  // --- hourly values ---------------------------------------------------------------------------------------------

  const unpacked = new Map();

  function unpack(key, packed) {
    if (unpacked.has(key)) return unpacked.get(key);
    const text = atob(packed.codes);
    const bytes = new Uint8Array(text.length);
    for (let k = 0; k < bytes.length; k++) bytes[k] = text.charCodeAt(k);
    const codes = packed.bits === 16 ? new Uint16Array(bytes.buffer) : bytes;
    const missing = packed.bits === 16 ? 65535 : 255;
    const values = new Float32Array(codes.length);
    for (let k = 0; k < codes.length; k++) values[k] = codes[k] === missing ? NaN : packed.low + packed.step * codes[k];
    unpacked.set(key, values);
    return values;
  }

  const series = (kind) => unpack(kind, page.hourly.series[kind]);

  function column(matrix, position) {
    const hours = page.hourly.hours;
    return unpack(matrix, page.hourly[matrix]).subarray(position * hours, (position + 1) * hours);
  }

  const at = (matrix, position, hour) => unpack(matrix, page.hourly[matrix])[position * page.hourly.hours + hour];

  function stamp(hour) {
    const time = new Date(Date.parse(page.hourly.start + ":00Z") + hour * 3600000);
    return time.toISOString().slice(0, 16).replace("T", " ");
  }

  const weekHours = () => [state.week, Math.min(state.week + 168, page.hourly.hours)];

  // --- what figures leave open -----------------------------------------------------------------------------------

  const factor = (unit) => FACTORS[state.lang][unit] ?? 1;
  const scaled = (values, unit, sign = 1) =>
    Array.from(values, (value) => (value === null || Number.isNaN(value) ? null : value * factor(unit) * sign));
  const colour = (name) => getComputedStyle(root).getPropertyValue("--" + name).trim();

  function chosenDay(spec) {
    if (spec.day === "element") return elementValues() ?? new Float32Array(page.hourly.hours);
    return series(spec.day === "chosen" ? state.heat : spec.day);
  }

  function byDay(values, unit) {
    const offset = Number(page.hourly.start.slice(11, 13));
    const days = Math.ceil((values.length + offset) / 24);
    const rows = Array.from({ length: 24 }, () => new Array(days).fill(null));
    const by = factor(unit);
    for (let hour = 0; hour < values.length; hour++) {
      const place = hour + offset;
      if (!Number.isNaN(values[hour])) rows[place % 24][Math.floor(place / 24)] = values[hour] * by;
    }
    return rows;
  }

  function dates() {
    const offset = Number(page.hourly.start.slice(11, 13));
    const days = Math.ceil((page.hourly.hours + offset) / 24);
    return Array.from({ length: days }, (_, day) => stamp(day * 24 - offset).slice(0, 10));
  }

  const heatUnit = () => page.heat_units[state.heat];
  const onBranch = () => state.element && state.element.kind === "branch";

  function elementValues() {
    if (!state.element) return null;
    const values = column(onBranch() ? "loading" : "voltage", state.element.position);
    return onBranch() ? values.map((value) => value * 100) : values;
  }

  function elementDuration() {
    const known = Array.from(elementValues() ?? []).filter((value) => !Number.isNaN(value)).sort((a, b) => b - a);
    const count = Math.min(known.length, 400);
    const place = (k) => (count < 2 ? 0 : k / (count - 1));
    const steps = Array.from({ length: count }, (_, k) => place(k));
    return { exceeded: steps.map((x) => 100 * x), duration: steps.map((x) => known[Math.round(x * (known.length - 1))]) };
  }

  function branchValue(position) {
    if (state.mode === "hour") return at("loading", position, state.hour);
    return page.map.branches[position][state.mode] ?? NaN;
  }

  function lineStyle(spec) {
    const value = branchValue(spec.line);
    const level = Number.isNaN(value) ? null : LEVELS.findLast((step) => value >= step.from);
    const width = Number.isNaN(value) ? 1 : 1.2 + 4.5 * Math.min(value, 1.4);
    const missing = colour("rule");
    return { width, color: level ? level.colour : missing, dash: spec.dash };
  }

  function lineHover(position) {
    const branch = page.map.branches[position];
    const value = branchValue(position);
    const figure = Number.isNaN(value) ? "–" : (100 * value).toFixed(state.mode === "hour" ? 0 : 1) + " %";
    return `${escaped(both(branch.name))} · ${branch.kv} kV<br>${word("loading")} ${figure} (${word("map_" + state.mode)})<br>${word("confidence_" + branch.confidence)}<extra></extra>`;
  }

  const escaped = (value) => value.replace(/[<>&]/g, (char) => ({ "<": "&lt;", ">": "&gt;", "&": "&amp;" })[char]);

  function busState(bus, position) {
    if (bus.low === null) return "none";
    if (state.mode !== "hour") return bus.low_hours > 0 ? "low" : bus.high_hours > 0 ? "high" : "fine";
    const value = at("voltage", position, state.hour);
    return Number.isNaN(value) ? "none" : value < bus.low ? "low" : value > bus.high ? "high" : "fine";
  }

  function busColours() {
    const colours = { low: "#56B4E9", high: "#D55E00", fine: colour("quiet"), none: "#a9b1b8" };
    return page.map.buses.map((bus, position) => colours[busState(bus, position)]);
  }

  function busHovers() {
    return page.map.buses.map((bus, position) => {
      const now = at("voltage", position, state.hour);
      const range = bus.min_pu === null ? "" : `${bus.min_pu.toFixed(3)}–${bus.max_pu.toFixed(3)} pu`;
      const value = state.mode === "hour" ? (Number.isNaN(now) ? "–" : `${now.toFixed(3)} pu`) : range;
      return `${escaped(both(bus.name))} · ${bus.kv} kV<br>${word("voltage")} ${value}`;
    });
  }

  const FILLERS = [
    ["t", (spec) => word(spec.t === "hover_heat_chosen" ? "hover_heat_" + heatUnit()
      : spec.t === "unit_chosen" ? "unit_" + heatUnit()
      : spec.t === "hover_heat_element" || spec.t === "unit_element" || spec.t === "axis_element" || spec.t === "hover_duration_element"
        ? spec.t + (state.element && !onBranch() ? "_bus" : "") : spec.t)],
    ["zh", (spec) => escaped(both(spec))],
    ["v", (spec) => scaled(spec.v, spec.q)],
    ["s", (spec) => scaled(series(spec.s).subarray(...weekHours()), spec.q, spec.sign)],
    ["day", (spec) => byDay(chosenDay(spec), spec.q === "chosen" ? heatUnit() : spec.q)],
    ["days", dates],
    ["hours", () => Array.from({ length: weekHours()[1] - state.week }, (_, k) => stamp(state.week + k))],
    ["c", (spec) => colour(spec.c)],
    ["element", (spec) => elementDuration()[spec.element]],
    ["line_hover", (spec) => lineHover(spec.line_hover)],
    ["wide", (spec) => (narrow() ? spec.narrow : spec.wide)],
    ["bus", (spec) => (spec.bus === "colour" ? busColours() : busHovers())],
  ];

  const isText = (value) => typeof value === "string";
  const OPEN = {
    t: isText, zh: isText, v: Array.isArray, s: isText, day: isText, days: (value) => value === true,
    hours: (value) => value === true, c: isText, element: isText, line_hover: (value) => typeof value === "number", bus: isText, wide: isText,
  };

  function filled(spec) {
    if (Array.isArray(spec)) return spec.some((item) => typeof item === "object") ? spec.map(filled) : spec;
    if (spec === null || typeof spec !== "object") return spec;
    if (typeof spec.line === "number") return lineStyle(spec);
    for (const [key, fill] of FILLERS) if (OPEN[key](spec[key])) return fill(spec);
    return Object.fromEntries(Object.entries(spec).map(([key, value]) => [key, filled(value)]));
  }

  // --- drawing ---------------------------------------------------------------------------------------------------

  const narrow = () => document.documentElement.clientWidth < NARROW_PX && !state.width;

  // A legend of many entries takes the height of the drawing on a telephone; a map needs less of it.
  function height(name, spec, traces) {
    const width = document.documentElement.clientWidth;
    if (!narrow()) return spec.layout.height;
    if (name === "map") return Math.min(spec.layout.height, Math.round(0.9 * width) + 40);
    const entries = spec.layout.showlegend === false ? 0 : traces.filter((trace) => trace.showlegend !== false).length;
    return spec.layout.height + 10 * Math.max(0, entries - 2);
  }

  function layout(spec) {
    const axis = { gridcolor: colour("grid"), linecolor: colour("rule"), zerolinecolor: colour("rule"), automargin: true, exponentformat: "none", separatethousands: true };
    const own = filled(spec.layout);
    const axes = Object.keys(own).filter((key) => /^[xy]axis/.test(key));
    const shared = {
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", separators: ".,",
      font: { family: getComputedStyle(document.body).fontFamily, size: 12.5, color: colour("text") },
      margin: { l: 58, r: 18, t: 16, b: 44 }, bargap: 0.22, hoverlabel: { bgcolor: colour("card"), font: { color: colour("text") } },
      legend: { orientation: "h", traceorder: "normal", y: 1.02, yanchor: "bottom", x: 0, xanchor: "left", font: { size: 12 } },
    };
    const merged = { ...shared, ...own, ...(state.width ? { width: state.width } : { autosize: true }) };
    for (const key of axes.length ? axes : ["xaxis", "yaxis"]) merged[key] = { ...axis, ...own[key] };
    return merged;
  }

  function draw(name) {
    const place = document.getElementById("fig-" + name);
    const spec = page.figures[name];
    const config = { displaylogo: false, responsive: true, scrollZoom: name === "map", modeBarButtonsToRemove: ["lasso2d", "select2d", "autoScale2d"] };
    const first = !drawn.has(name);
    drawn.add(name);
    const data = filled(spec.data);
    place.style.minHeight = `${height(name, spec, data)}px`;
    const done = Plotly.react(place, data, { ...layout(spec), height: height(name, spec, data) }, config);
    if (first && name === "map") place.on("plotly_click", (event) => pick(event.points[0].customdata));
    return done;
  }

  const redraw = (choice) => { for (const name of drawn) if (!choice || page.figures[name].needs.includes(choice)) draw(name); };

  const sight = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      sight.unobserve(entry.target);
      draw(entry.target.dataset.figure);
    }
  }, { rootMargin: "300px" });

  // --- choices ---------------------------------------------------------------------------------------------------

  const byId = (id) => document.getElementById(id);
  const on = (id, event, action) => byId(id)?.addEventListener(event, action);
  const each = (selector, action) => document.querySelectorAll(selector).forEach(action);
  let waiting = 0;
  const soon = (action) => { cancelAnimationFrame(waiting); waiting = requestAnimationFrame(action); };

  function setLanguage(lang) {
    state.lang = root.dataset.lang = lang;
    root.lang = lang === "zh" ? "zh-CN" : "en";
    each("[data-label]", (element) => { element.setAttribute("aria-label", word(element.dataset.label)); element.title = element.matches("button") ? word(element.dataset.label) : ""; });
    each("[data-hint]", (element) => { element.placeholder = word(element.dataset.hint); element.setAttribute("aria-label", word(element.dataset.hint)); });
    each("option[data-word]", (element) => { element.textContent = word(element.dataset.word); });
    document.title = both(page.title);
    labels();
    redraw();
  }

  function setTheme(theme) {
    state.theme = root.dataset.theme = theme;
    byId("theme").setAttribute("aria-pressed", String(theme === "dark"));
    redraw();
  }

  function setWeek(hour) {
    state.week = Math.max(0, Math.min(page.last_week, Math.floor(hour / 24) * 24));
    labels();
    soon(() => redraw("week"));
  }

  function setHour(hour) {
    state.hour = Math.max(0, Math.min(page.hourly.hours - 1, hour));
    state.mode = "hour";
    labels();
    soon(() => redraw("map"));
  }

  function labels() {
    if (!byId("week")) return;
    const [from, to] = weekHours();
    byId("week").value = state.week;
    byId("week-label").textContent = `${stamp(from).slice(0, 10)} – ${stamp(to - 1).slice(0, 10)}`;
    byId("map-mode").value = state.mode;
    byId("map-hour").value = state.hour;
    const failed = page.failed_hours.includes(state.hour);
    byId("map-label").textContent = state.mode === "hour" ? stamp(state.hour) + (failed ? ` · ${word("hour_failed")}` : "") : word("map_" + state.mode);
    elementText();
  }

  function pick(data) {
    const [kind, position] = data.split(":");
    state.element = { kind, position: Number(position) };
    elementText();
    byId("element-plots").hidden = false;
    draw("element_heat");
    draw("element_duration");
  }

  function elementText() {
    if (!state.element) return;
    const item = page.map[onBranch() ? "branches" : "buses"][state.element.position];
    const share = (value) => (value === null ? "–" : (100 * value).toFixed(1) + " %");
    const parts = onBranch()
      ? [`${word("loading_max")} ${share(item.max)}`, `P99 ${share(item.p99)}`, `${word("overloaded_hours")} ${item.overloaded_hours} h`]
      : item.min_pu === null ? [] : [`${word("voltage")} ${item.min_pu.toFixed(4)}–${item.max_pu.toFixed(4)} pu`, `${word("too_low")} ${item.low_hours} h`, `${word("too_high")} ${item.high_hours} h`];
    byId("element-name").textContent = both(item.name);
    byId("element-facts").textContent = [item.id, `${item.kv} kV`, word("confidence_" + item.confidence), ...parts].join(" · ");
  }

  // --- tables ----------------------------------------------------------------------------------------------------

  function sortBy(head) {
    const body = head.closest("table").tBodies[0];
    const position = head.cellIndex;
    const numbers = head.classList.contains("num");
    const down = head.getAttribute("aria-sort") === "descending" || (!head.hasAttribute("aria-sort") && !numbers);
    for (const other of head.parentElement.cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "ascending" : "descending");
    const value = (row) => row.cells[position].dataset.sort;
    const compare = (a, b) => (numbers ? Number(a) - Number(b) : a.localeCompare(b, "en"));
    const rows = Array.from(body.rows);
    rows.sort((a, b) => {
      const [one, other] = [value(a), value(b)];
      if (one === "" || other === "") return (one === "") - (other === "");
      return down ? compare(one, other) : compare(other, one);
    });
    body.append(...rows);
  }

  function filter(field) {
    const wanted = field.value.trim().toLowerCase();
    const rows = Array.from(byId(field.dataset.table).tBodies[0].rows);
    for (const row of rows) row.hidden = wanted !== "" && !row.textContent.toLowerCase().includes(wanted);
    field.nextElementSibling.textContent = wanted ? `${rows.filter((row) => !row.hidden).length} / ${rows.length}` : "";
  }

  // --- start -----------------------------------------------------------------------------------------------------

  on("language", "click", () => { setLanguage(state.lang === "zh" ? "en" : "zh"); keep("lang", state.lang); });
  on("theme", "click", () => { setTheme(state.theme === "dark" ? "light" : "dark"); keep("theme", state.theme); });
  on("print", "click", () => window.print());
  on("week", "input", (event) => setWeek(Number(event.target.value)));
  on("heat", "change", (event) => { state.heat = event.target.value; redraw("heat"); });
  on("map-mode", "change", (event) => { state.mode = event.target.value; labels(); redraw("map"); });
  on("map-hour", "input", (event) => setHour(Number(event.target.value)));
  each(".step", (button) => button.addEventListener("click", () => setWeek(state.week + 168 * Number(button.dataset.weeks))));
  each(".jump", (button) => button.addEventListener("click", () => setWeek(Number(button.dataset.hour) - 72)));
  each(".see", (button) => button.addEventListener("click", () => setHour(Number(button.dataset.hour))));
  each(".pick", (button) => button.addEventListener("click", () => {
    pick("branch:" + page.map.branches.findIndex((branch) => branch.id === button.dataset.branch));
    byId("element").scrollIntoView({ block: "nearest" });
  }));
  each("thead th", (head) => head.querySelector("button").addEventListener("click", () => sortBy(head)));
  each(".filter", (field) => field.addEventListener("input", () => filter(field)));
  each("a[href^='#']", (link) => link.addEventListener("click", () => each(link.getAttribute("href") + " > details", (sheet, k) => { if (k === 0) sheet.open = true; })));

  const links = new Map(Array.from(document.querySelectorAll(".side a"), (link) => [link.hash.slice(1), link]));
  const reading = new IntersectionObserver((entries) => {
    for (const entry of entries) if (entry.isIntersecting) {
      for (const link of links.values()) link.removeAttribute("aria-current");
      links.get(entry.target.id)?.setAttribute("aria-current", "true");
    }
  }, { rootMargin: "-15% 0px -75% 0px" });
  each("main > section", (section) => reading.observe(section));

  let screen = null;
  window.addEventListener("beforeprint", () => {
    screen = { theme: state.theme, open: Array.from(document.querySelectorAll("details"), (sheet) => sheet.open) };
    state.width = 690;
    root.dataset.theme = state.theme = "light";
    each(".plot", (place) => { if (!place.closest("[hidden]")) draw(place.dataset.figure); });
  });
  window.addEventListener("afterprint", () => { state.width = null; setTheme(screen.theme); });

  setLanguage(state.lang);
  setTheme(state.theme);
  each(".plot", (place) => { if (!place.closest("[hidden]")) sight.observe(place); });
})();
