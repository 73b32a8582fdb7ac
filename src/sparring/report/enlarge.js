// A preview as large as the window, with what made it

function enlarge(scrubber) {
  const dialog = document.getElementById("large");
  const [title, close] = dialog.querySelector(".bar").children;
  const [sheet, about, again] = ["div.sheet", "p", "code"].map(part => dialog.querySelector(`:scope > ${part}`));

  function open() {
    const from = document.getElementById("preview").parentElement;
    const { examples, picture } = data.previews[scrubber.shown()];
    const copies = [...from.children].filter(part => !["audio", "video"].includes(part.localName) || !picture);
    sheet.setAttribute("style", from.getAttribute("style"));
    sheet.replaceChildren(...copies.map(part => part.cloneNode(true)));
    sheet.querySelectorAll("[id]").forEach(part => part.removeAttribute("id"));
    title.textContent = `After ${grouped.format(examples)} examples`;
    const last = scrubber.shown() === scrubber.end;
    again.hidden = !data.again;
    again.textContent = data.again;
    about.textContent = !data.again ? ""
      : last && !data.live ? "The model makes these samples again by:"
      : "The weights of that moment are not kept. The model as it is now makes samples of the same latents by:";
    dialog.showModal();
  }

  document.querySelector(".scrubber > :last-child").addEventListener("click", open);
  document.querySelector(".made .sheet").addEventListener("click", event => {
    if (event.target.matches("img, pre")) open();
  });
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", event => { if (event.target === dialog) dialog.close(); });
}
