// Charts, as SVG

const COLOURS = { generator: 0, fake: 0, r2: 0, discriminator: 1, real: 2, r1: 2 };
const FEW = 12;  // points that are each shown
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

  // A dot for every point of a curve of few, the last one of any other: one point alone is no line
  function dots(values, index, host) {
    const there = values.map((value, at) => [value, at]).filter(([value]) => value !== null);
    for (const [value, at] of there.length > FEW ? there.slice(-1) : there)
      element("circle", host, { cx: scale.x(chart.examples[at]), cy: scale.y(value), r: there.length > 1 ? 2.5 : 4,
        style: `fill: ${colour(index)}` });
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
    element("rect", clip, { x: left - 5, y: top - 5, width: inner.width + 10, height: inner.height + 10 });
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
      dots(values, index, inside);
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
