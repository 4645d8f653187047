// Suggestions while typing, under every search box (WAI-ARIA combobox with a list). Without
// JavaScript the box works as it is.
"use strict";

(() => {
  const WAIT = 120; // milliseconds after the last key
  // Rule P-32: an identity number or a telephone number, or most of one, never leaves the page while
  // somebody types: whoever pauses before the last digit has typed all that matters.
  const LONG_NUMBER = /[0-9]{9}/;
  const BETWEEN_DIGITS = /(?<=[0-9])[\s\p{P}]+(?=[0-9Xx])/gu;

  // Rule P-5: sent off, the number would stand in the address and stay in the history. The server
  // refuses it as well, and more of them: 15 digits, or one wrong digit (GB 11643).
  const PERSON = /(?<![0-9A-Z])[1-9][0-9]{5}(?:18|19|20)[0-9]{2}[01][0-9][0-3][0-9]{4}[0-9X](?![0-9A-Z])/g;
  const WEIGHTS = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
  const TOLD = "请不要输入公民身份号码：本平台不按身份证号查询。";

  const joined = (text) => text.normalize("NFKC").replace(BETWEEN_DIGITS, "").toUpperCase();
  const checks = (number) =>
    "10X98765432"[WEIGHTS.reduce((sum, weight, at) => sum + weight * number[at], 0) % 11] === number[17];
  const namesSomebody = (text) => (joined(text).match(PERSON) ?? []).some(checks);

  for (const box of document.querySelectorAll("input[data-suggest]")) {
    const list = document.createElement("ul");
    list.id = `${box.id}-suggestions`;
    list.className = "suggestions";
    list.setAttribute("role", "listbox");
    list.setAttribute("aria-label", "联想");
    list.hidden = true;
    box.parentElement.append(list);
    box.setAttribute("role", "combobox");
    box.setAttribute("aria-autocomplete", "list");
    box.setAttribute("aria-controls", list.id);
    box.setAttribute("aria-expanded", "false");

    let chosen = -1;
    let waiting = 0;
    let asking = null;

    const close = () => {
      list.hidden = true;
      chosen = -1;
      box.setAttribute("aria-expanded", "false");
      box.removeAttribute("aria-activedescendant");
    };

    // What was asked for before is not wanted any more, and must not open the list again.
    const leave = () => {
      clearTimeout(waiting);
      asking?.abort();
      close();
    };

    const choose = (place) => {
      const lines = [...list.children];
      chosen = (place + lines.length) % lines.length;
      lines.forEach((line, at) => line.setAttribute("aria-selected", String(at === chosen)));
      box.setAttribute("aria-activedescendant", lines[chosen].id);
      lines[chosen].scrollIntoView({ block: "nearest" });
    };

    const take = (line) => {
      box.value = line.textContent;
      close();
      box.form.requestSubmit();
    };

    const show = (suggestions) => {
      list.replaceChildren(
        ...suggestions.map((one, at) => {
          const line = document.createElement("li");
          line.id = `${list.id}-${at}`;
          line.setAttribute("role", "option");
          line.setAttribute("aria-selected", "false");
          line.textContent = one.text;
          line.addEventListener("pointerdown", (event) => {
            event.preventDefault();
            take(line);
          });
          return line;
        }),
      );
      chosen = -1;
      box.removeAttribute("aria-activedescendant");
      list.hidden = suggestions.length === 0;
      box.setAttribute("aria-expanded", String(suggestions.length > 0));
    };

    const ask = async () => {
      const typed = box.value.trim();
      if (!typed || LONG_NUMBER.test(joined(typed))) return close();
      asking?.abort();
      asking = new AbortController();
      try {
        const answer = await fetch(`${box.dataset.suggest}?q=${encodeURIComponent(typed)}`, {
          signal: asking.signal,
        });
        if (!answer.ok) return close();
        const { suggestions } = await answer.json();
        // Whoever has gone on meanwhile, to other words or another field, is not held up.
        if (box.value.trim() === typed && document.activeElement === box) show(suggestions);
      } catch (error) {
        // Without suggestions the box works as before. Who is asked anew keeps what is shown.
        if (error.name !== "AbortError") close();
      }
    };

    box.addEventListener("input", (event) => {
      if (event.isComposing) return; // an input method is still at work
      clearTimeout(waiting);
      waiting = setTimeout(ask, WAIT);
    });
    box.addEventListener("compositionend", () => {
      clearTimeout(waiting);
      waiting = setTimeout(ask, WAIT);
    });
    box.addEventListener("input", () => box.setCustomValidity(""));
    box.form.addEventListener("submit", (event) => {
      if (!namesSomebody(box.value)) return;
      event.preventDefault();
      box.setCustomValidity(TOLD);
      box.reportValidity();
    });
    box.addEventListener("blur", leave);
    box.addEventListener("keydown", (event) => {
      if (list.hidden || event.isComposing) return;
      if (event.key === "ArrowDown") choose(chosen + 1);
      else if (event.key === "ArrowUp") choose(chosen < 0 ? -1 : chosen - 1);
      else if (event.key === "Escape") leave();
      else if (event.key === "Enter" && chosen >= 0) take(list.children[chosen]);
      else return;
      event.preventDefault();
    });
  }
})();
