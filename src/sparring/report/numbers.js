// What all parts of the script of a run's page use

"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const drawn = [];  // what each chart can be told: to show a cursor, to mark the preview that is shown

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
