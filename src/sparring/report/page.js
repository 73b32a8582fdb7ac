// The script of a run's page: its charts, and the scrubber of its previews

"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const drawn = [];  // what each chart can be told: to show a cursor, to mark the preview that is shown

// Small things

const compact = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 });
const grouped = new Intl.NumberFormat("en");

function spoken(value, share) {
  if (value === null || value === undefined) return "–";
  if (share) return (100 * value).toFixed(1) + " %";
  const size = Math.abs(value);
  if (size >= 10000) return compact.format(value);
  if (size > 0 && size < 0.001) return value.toExponential(1);
  return String(Number(value.toPrecision(3)));
}

function element(kind, parent, attributes = {}, text) {
  const made = kind === "svg" || parent.closest("svg")
    ? document.createElementNS("http://www.w3.org/2000/svg", kind) : document.createElement(kind);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text !== undefined) made.textContent = text;
  return parent.appendChild(made);
}

function ticks(low, high, most) {
  const rough = (high - low) / most || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map(times => times * power).find(wide => wide >= rough);
  const found = [];
  for (let at = Math.ceil(low / step); at * step <= high + step * 1e-9; at++) found.push(at * step);
  return found;
}

// The vertical range: all values, unless a few peaks would press the rest flat; those are cut off
function range(chart) {
  if (chart.share) return [0, 1];
  const sorted = chart.values.flat().filter(value => value !== null).sort((a, b) => a - b);
  const at = part => sorted[Math.round(part * (sorted.length - 1))];
  if (!sorted.length) return [0, 1];
  let [low, high] = [at(0), at(1)];
  if (high - low > 4 * (at(.99) - at(.01)) && at(.99) > at(.01)) [low, high] = [at(.01), at(.99)];
  if (low > 0 && low < .6 * high) low = 0;
  const margin = (high - low) * .06 || Math.abs(high) * .1 || 1;
  return [low === 0 ? 0 : low - margin, high + margin];
}

// A moving mean over a fortieth of the curve, gaps kept
function smooth(values) {
  const reach = Math.floor(values.length / 80);
  return values.map((value, index) => {
    if (value === null) return null;
    const near = values.slice(Math.max(0, index - reach), index + reach + 1).filter(other => other !== null);
    return near.reduce((sum, other) => sum + other, 0) / near.length;
  });
}

// The nearest of ascending numbers, by its place
function nearest(numbers, wanted) {
  let best = 0;
  numbers.forEach((at, index) => { if (Math.abs(at - wanted) < Math.abs(numbers[best] - wanted)) best = index; });
  return best;
}

// Charts

const COLOURS = { generator: 0, fake: 0, r2: 0, discriminator: 1, real: 2, r1: 2 };
const last = Math.max(1, ...data.charts.flatMap(chart => chart.examples.slice(-1)));

function drawChart(host, chart, number) {
  const card = element("div", host, { class: "card chart" });
  const head = element("div", card, { class: "head" });
  element("h3", head, {}, chart.title);
  const place = element("small", head);
  element("p", card, { class: "soft" }, chart.about);
  const svg = element("svg", card, { role: "img", tabindex: 0 });
  const legend = element("ul", card, { class: "legend" });
  const colour = index => `var(--c${(COLOURS[chart.names[index]] ?? index) % 6})`;
  const readings = chart.names.map((name, index) =>
    element("li", legend, { style: `--colour: ${colour(index)}` }));
  const means = chart.values.map(values => values.length >= 80 ? smooth(values) : null);
  const [low, high] = range(chart);
  let scale, cursor, mark, shown = null;

  const until = (values, index) => values.slice(0, index + 1).findLast(value => value !== null) ?? null;
  const latest = chart.names.map((name, index) => `${name} ${spoken(until(chart.values[index], Infinity), chart.share)}`);
  svg.setAttribute("aria-label", `${chart.title} over the training; at the end: ${latest.join(", ")}`);

  function path(values) {
    let line = "", pen = "M";
    values.forEach((value, index) => {
      if (value === null) return;  // noted at other times than its neighbours
      line += `${pen}${scale.x(chart.examples[index]).toFixed(1)} ${scale.y(value).toFixed(1)}`;
      pen = "L";
    });
    return line;
  }

  function draw() {
    const [width, height, left, bottom, top] = [svg.clientWidth, 170, 46, 20, 6];
    if (!width) return;
    const inner = { width: width - left - 8, height: height - bottom - top };
    scale = {
      x: examples => left + examples / last * inner.width,
      y: value => top + inner.height - (value - low) / (high - low) * inner.height,
      examples: x => (x - left) / inner.width * last,
    };
    svg.replaceChildren();
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    const clip = element("clipPath", svg, { id: `clip${number}` });
    element("rect", clip, { x: left, y: top - 2, width: inner.width + 2, height: inner.height + 4 });
    for (const at of ticks(low, high, 4)) {
      element("line", svg, { class: "grid", x1: left, x2: left + inner.width, y1: scale.y(at), y2: scale.y(at) });
      const text = chart.share ? `${Math.round(100 * at)} %` : spoken(at);
      element("text", svg, { x: left - 8, y: scale.y(at) + 4, "text-anchor": "end" }, text);
    }
    for (const at of ticks(0, last, width / 110)) {
      const end = scale.x(at) > width - 30;
      element("text", svg, { x: end ? width : scale.x(at), y: height - 4, "text-anchor": end ? "end" : "middle" },
        compact.format(at));
    }
    const inside = element("g", svg, { "clip-path": `url(#clip${number})` });
    const upright = { y1: top, y2: top + inner.height };
    for (const [marked, kind] of [[data.warnings, "warning-mark"], [data.events, "event-mark"]])
      for (const at of marked) element("line", inside, { class: kind, x1: scale.x(at), x2: scale.x(at), ...upright });
    chart.values.forEach((values, index) => {
      const stroke = `stroke: ${colour(index)}`;
      element("path", inside, { class: means[index] ? "raw" : "curve", style: stroke, d: path(values) });
      if (means[index]) element("path", inside, { class: "curve", style: stroke, d: path(means[index]) });
    });
    mark = element("line", svg, { class: "preview-mark", ...upright });
    cursor = element("line", svg, { class: "cursor", ...upright });
    here.mark(here.marked);
    here.point(null);
  }

  // Show the values at so many examples, or with null the last ones
  const here = {
    point(examples) {
      shown = examples === null ? null : nearest(chart.examples, examples);
      const index = shown ?? chart.examples.length - 1;
      readings.forEach((reading, curve) => {
        reading.textContent = `${chart.names[curve]} ${spoken(until(chart.values[curve], index), chart.share)}`;
      });
      place.textContent = shown === null ? "" : `after ${grouped.format(chart.examples[index])} examples`;
      if (!cursor) return;
      cursor.style.display = shown === null ? "none" : "";
      for (const end of ["x1", "x2"]) cursor.setAttribute(end, scale.x(chart.examples[index]));
    },
    mark(examples) {
      here.marked = examples;
      if (!mark) return;
      mark.style.display = examples === null ? "none" : "";
      for (const end of ["x1", "x2"]) mark.setAttribute(end, scale.x(examples ?? 0));
    },
    marked: null,
  };
  const everywhere = examples => drawn.forEach(other => other.point(examples));
  svg.addEventListener("pointermove", event =>
    everywhere(scale.examples(event.clientX - svg.getBoundingClientRect().left)));
  svg.addEventListener("pointerleave", () => everywhere(null));
  svg.addEventListener("blur", () => everywhere(null));
  svg.addEventListener("keydown", event => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by) return;
    event.preventDefault();
    const from = shown ?? chart.examples.length - 1;
    const step = Math.max(1, Math.round(chart.examples.length / 100));
    everywhere(chart.examples[Math.min(chart.examples.length - 1, Math.max(0, from + by * step))]);
  });
  drawn.push(here);
  here.point(null);
  new ResizeObserver(draw).observe(svg);
}

document.querySelector(".key").hidden = !data.charts.length;
const more = document.getElementById("more");
more.hidden = !data.charts.some(chart => chart.minor);
data.charts.forEach((chart, number) =>
  drawChart(chart.minor ? more.querySelector(".charts") : document.getElementById("curves"), chart, number));

// Previews: an image, a sound, a video or a text, whichever each one is

const ELEMENTS = { image: "img", audio: "audio", video: "video" };
const ATTRIBUTES = { audio: ["controls"], video: ["controls", "loop", "playsinline"] };

function text(url) {
  const bytes = Uint8Array.from(atob(url.slice(url.indexOf(",") + 1)), letter => letter.charCodeAt(0));
  return new TextDecoder().decode(bytes);
}

function scrub() {
  const box = document.querySelector(".scrubber");
  const [button, slider, output] = box.children;
  const icon = button.querySelector("path");
  const has = kind => data.previews.some(({ media }) => media.startsWith(kind));
  const interval = has("text") ? 640 : 160;  // milliseconds: a text must be read
  let playing = null;

  function show(index) {
    const { examples, media, url, picture } = data.previews[index];
    const seen = `${grouped.format(examples)} examples`;
    const kind = ELEMENTS[media.split("/")[0]] ?? "pre";
    const preview = ofKind(kind);
    if (kind === "pre") {
      preview.textContent = text(url);
    } else {
      const running = preview.paused === false;
      if (preview.getAttribute("src") !== url) preview.src = url;
      if (picture && preview.previousElementSibling) preview.previousElementSibling.src = picture;
      if (running) preview.play().catch(() => {});
      preview.setAttribute(kind === "img" ? "alt" : "aria-label", `Samples after ${seen}`);
    }
    slider.value = index;
    slider.setAttribute("aria-valuetext", seen);
    output.textContent = seen;
    drawn.forEach(chart => chart.mark(examples));
  }

  // The element that shows previews, anew where another kind of element is needed
  function ofKind(kind) {
    const now = document.getElementById("preview");
    if (now.localName === kind) return now;
    const made = document.createElement(kind);
    made.id = "preview";
    for (const name of ATTRIBUTES[kind] ?? []) made.setAttribute(name, "");
    now.replaceWith(made);
    return made;
  }

  function play(on) {
    clearInterval(playing);
    playing = on ? setInterval(next, interval) : null;
    button.setAttribute("aria-label", on ? "Pause" : "Play");
    icon.setAttribute("d", on ? "M3 2h4v12H3zM9 2h4v12H9z" : "M4 2l10 6-10 6z");
  }

  function next() {
    const index = Number(slider.value) + 1;
    if (index < data.previews.length) show(index); else play(false);
  }

  button.addEventListener("click", () => {
    if (!playing && Number(slider.value) === data.previews.length - 1) show(0);
    play(!playing);
  });
  slider.addEventListener("input", () => { play(false); show(Number(slider.value)); });
  document.addEventListener("keydown", event => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by || event.defaultPrevented || event.target === slider || event.target.closest("audio, video")
      || event.altKey || event.metaKey || event.ctrlKey) return;
    play(false);
    show(Math.min(data.previews.length - 1, Math.max(0, Number(slider.value) + by)));
  });
  slider.max = data.previews.length - 1;
  box.hidden = data.previews.length < 2;
  button.hidden = has("audio") || has("video");  // they have a button of their own
  show(data.previews.length - 1);
}
if (data.previews.length) scrub();
