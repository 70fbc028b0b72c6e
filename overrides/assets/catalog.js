/* The catalog's own behaviour: pictures that play when asked to, filters that live in the address, sortable tables. */
"use strict";

(() => {
  /* ---- players: a still picture; the GIF on hover, tap or keyboard focus ---- */

  const calm = window.matchMedia("(prefers-reduced-motion: reduce)");
  let playing = null;

  function show(player, state, label, src) {
    player.dataset.state = state;
    player.setAttribute("aria-pressed", String(state !== "still"));
    player.querySelector(".player__mark span").textContent = label;
    if (src) player.querySelector("img").src = src;
  }

  function stop(player) {
    if (!player || !player.dataset.state || player.dataset.state === "still") return;
    show(player, "still", "Play", player.dataset.still);
    if (playing === player) playing = null;
  }

  function play(player) {
    if (player === playing) return;
    stop(playing);
    playing = player;
    player.dataset.still ||= player.querySelector("img").getAttribute("src");
    show(player, "loading", "Loading");
    const gif = new Image();
    gif.onload = () => {
      if (playing === player) show(player, "playing", "Stop", player.dataset.gif);
    };
    gif.onerror = () => stop(player);
    gif.src = player.dataset.gif;
  }

  for (const player of document.querySelectorAll(".player")) {
    player.addEventListener("pointerenter", (event) => {
      if (event.pointerType === "mouse" && !calm.matches) play(player);
    });
    player.addEventListener("pointerleave", (event) => {
      if (event.pointerType === "mouse") stop(player);
    });
    player.addEventListener("focus", () => {
      if (player.matches(":focus-visible") && !calm.matches) play(player);
    });
    player.addEventListener("blur", () => stop(player));
    player.addEventListener("click", () => (player === playing ? stop(player) : play(player)));
  }

  /* ---- gallery: search and filters, kept in the address (its q and h belong to the search of the theme) ---- */

  const form = document.querySelector(".filters");
  const plain = (text) =>
    text.toLowerCase().normalize("NFD").replace(/[\u0300-\u036f]/g, "").replace(/-/g, "");

  function chosen() {
    const choices = { era: [], rule: [], verdict: [] };
    for (const box of form.querySelectorAll("input:checked")) choices[box.name].push(box.value);
    return choices;
  }

  function filter() {
    const words = plain(form.elements.words.value).split(/\s+/).filter(Boolean);
    const choices = Object.entries(chosen());
    const cards = [...document.querySelectorAll(".card")];
    for (const card of cards) {
      const text = plain(card.dataset.words);
      const fits = choices.every(
        ([name, values]) => !values.length || card.dataset[name].split(" ").some((value) => values.includes(value)),
      );
      card.hidden = !fits || !words.every((word) => text.includes(word));
      if (card.hidden) stop(card.querySelector(".player"));
    }
    const shown = cards.filter((card) => !card.hidden).length;
    form.querySelector("output").textContent = `${shown} of ${cards.length} problems`;
    form.querySelector("button[type=reset]").hidden = shown === cards.length;
    document.querySelector(".gallery__none").hidden = shown > 0;
  }

  function writeAddress() {
    const query = new URLSearchParams();
    if (form.elements.words.value.trim()) query.set("words", form.elements.words.value.trim());
    for (const [name, values] of Object.entries(chosen())) values.forEach((value) => query.append(name, value));
    history.replaceState(history.state, "", String(query) ? `?${query}` : location.pathname);
  }

  function readAddress() {
    const query = new URLSearchParams(location.search);
    form.elements.words.value = query.get("words") || "";
    for (const box of form.querySelectorAll("input[type=checkbox]")) {
      box.checked = query.getAll(box.name).includes(box.value);
    }
    filter();
  }

  if (form) {
    form.hidden = false;
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("input", () => {
      filter();
      writeAddress();
    });
    form.addEventListener("reset", (event) => {
      event.preventDefault();
      history.replaceState(history.state, "", location.pathname);
      readAddress();
      form.elements.words.focus();
    });
    window.addEventListener("pageshow", readAddress);
    readAddress();
  }

  /* ---- tables: a click on a heading sorts by it, a second one the other way ---- */

  const numbers = (text) => (text.match(/-?\d+(\.\d+)?(e[+-]?\d+)?/gi) || []).map(Number);

  function value(cell) {
    const text = cell.textContent.trim();
    const share = text.match(/^(\d+)\/(\d+)/);
    return share ? share[1] / share[2] : numbers(text)[0];
  }

  function sort(table, column, direction) {
    const rows = [...table.tBodies[0].rows];
    const texts = rows.map((row) => row.cells[column].textContent.trim());
    const numeric = texts.every((text) => text === "-" || /^-?\d/.test(text));
    const compare = (a, b) => {
      const [x, y] = [a.cells[column], b.cells[column]];
      if (!numeric) return x.textContent.trim().localeCompare(y.textContent.trim(), "en", { numeric: true });
      return (value(x) ?? -Infinity) - (value(y) ?? -Infinity);
    };
    rows.sort((a, b) => direction * compare(a, b));
    table.tBodies[0].append(...rows);
  }

  for (const table of document.querySelectorAll(".sortable table")) {
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = head.textContent;
      head.replaceChildren(button);
      button.addEventListener("click", () => {
        const up = head.getAttribute("aria-sort") !== "ascending";
        heads.forEach((other) => other.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", up ? "ascending" : "descending");
        sort(table, column, up ? 1 : -1);
      });
    });
  }
})();
