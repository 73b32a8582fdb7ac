// Previews: an image, a sound, a video or a text, whichever each one is

const ELEMENTS = { image: "img", audio: "audio", video: "video" };
const ATTRIBUTES = { audio: ["controls"], video: ["controls", "loop", "playsinline"] };

function text(url) {
  const bytes = Uint8Array.from(atob(url.slice(url.indexOf(",") + 1)), letter => letter.charCodeAt(0));
  return new TextDecoder().decode(bytes);
}

// What shows the previews; gives others the number of the one that is shown, and a way to show another
function scrub() {
  const box = document.querySelector(".scrubber");
  const [button, slider] = box.children;
  const output = document.getElementById("when");
  const icon = button.querySelector("path");
  const has = kind => data.previews.some(({ media }) => media.startsWith(kind));
  const interval = has("text") ? 640 : 160;  // milliseconds: a text must be read
  const end = data.previews.length - 1;
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
      const above = preview.previousElementSibling;
      if (picture && above?.localName === "img") above.src = picture;
      if (running) preview.play().catch(() => {});
      preview.setAttribute(kind === "img" ? "alt" : "aria-label", `Samples after ${seen}`);
    }
    slider.value = index;
    slider.setAttribute("aria-valuetext", seen);
    output.textContent = `after ${seen}`;
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
    if (index <= end) show(index); else play(false);
  }

  button.addEventListener("click", () => {
    if (!playing && Number(slider.value) === end) show(0);
    play(!playing);
  });
  slider.addEventListener("input", () => { play(false); show(Number(slider.value)); });
  document.addEventListener("keydown", event => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by || event.defaultPrevented || event.target === slider || event.target.closest("audio, video")
      || event.altKey || event.metaKey || event.ctrlKey) return;
    play(false);
    show(Math.min(end, Math.max(0, Number(slider.value) + by)));
  });
  slider.max = end;
  box.hidden = false;
  slider.hidden = end < 1;
  button.hidden = end < 1 || has("audio") || has("video");  // they have a button of their own
  show(end);
  return { show, end, shown: () => Number(slider.value), busy: () => playing !== null };
}
