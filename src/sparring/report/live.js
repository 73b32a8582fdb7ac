// A page that is written again while its run goes on: it asks for itself, and comes back to where the reader was

const POLITE = 1000;  // milliseconds until a page that may not disturb its reader asks itself again whether it may

function follow({ written, every, patience }, scrubber) {
  const age = () => Math.max(0, Math.round(Date.now() / 1000 - written));
  const verdict = document.getElementById("verdict"), told = document.getElementById("age");
  const opened = Date.now();

  // Where the reader was: the history of the window keeps that over a reload
  const folds = [...document.querySelectorAll("details")];
  const before = history.state?.sparring;
  if (before) {
    folds.forEach((fold, index) => { fold.open = Boolean(before.open[index]); });
    if (scrubber && before.examples !== null)
      scrubber.show(nearest(data.previews.map(preview => preview.examples), before.examples));
    const back = () => scrollTo(before.x, before.y);
    back();
    addEventListener("load", back);
  }

  function again() {
    const shown = scrubber && scrubber.shown() < scrubber.end ? data.previews[scrubber.shown()].examples : null;
    const open = folds.map(fold => fold.open);
    history.replaceState({ sparring: { x: scrollX, y: scrollY, examples: shown, open } }, "");
    location.reload();
  }

  const disturbed = () => document.hidden || scrubber?.busy() || document.querySelector("dialog[open]")
    || getSelection().toString() || [...document.querySelectorAll("audio, video")].some(media => !media.paused);

  const clock = setInterval(() => {
    if (age() > patience) {  // its process was killed, or this computer slept
      clearInterval(clock);
      verdict.className = "verdict interrupted";
      verdict.firstChild.textContent = verdict.firstChild.textContent.replace("Training", "Training no more, it seems");
      told.textContent = `Nothing was written for ${spent(age())}: it was interrupted, or its computer slept.`;
    } else {
      told.textContent = `written ${spent(age())} ago`;
      if (age() >= every && Date.now() - opened >= 1000 * every && !disturbed()) again();
    }
  }, POLITE);
}

function spent(seconds) {
  return seconds < 120 ? `${seconds} s` : seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}
