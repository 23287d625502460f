// The global search: `/` or the field opens it, results come while typing, arrows move, Enter opens.
import { each, fetchPage, later } from "./dom.js"

export function bindFinder(root) {
  each(root, "[data-finder]", find)
}

export function openFinder(text = "") {
  const dialog = document.querySelector("[data-finder]")
  if (!dialog) return false
  if (!dialog.open) dialog.showModal()
  const input = dialog.querySelector("input")
  if (text) { input.value = text; input.dispatchEvent(new Event("input")) }
  input.focus()
  return true
}

// Until the next drawing the browser keeps the focus in what it has just hidden, and a key pressed meanwhile would be lost there.
function shut(dialog) {
  dialog.close()
  if (dialog.contains(document.activeElement)) document.activeElement.blur()
}

function find(dialog) {
  const input = dialog.querySelector("input"), results = dialog.querySelector("[data-finder-results]"), form = dialog.querySelector("form")
  let running
  const search = later(async () => {
    running?.abort()
    if (!input.value.trim()) { results.replaceChildren(); return }
    running = new AbortController()
    try {
      const page = await fetchPage(`${form.getAttribute("action")}?part=1&q=${encodeURIComponent(input.value)}`, running.signal)
      if (page) { results.replaceChildren(...page.body.childNodes); point(results, 0) }
    } catch (error) { if (error.name !== "AbortError") form.submit() }
  }, 180)
  input.addEventListener("input", search)
  dialog.addEventListener("keydown", (event) => {
    if (event.key === "Escape") { event.preventDefault(); shut(dialog) }
    if (event.key === "ArrowDown" || event.key === "ArrowUp") { event.preventDefault(); point(results, current(results) + (event.key === "ArrowDown" ? 1 : -1)) }
    if (event.key === "Enter" && current(results) >= 0) { event.preventDefault(); hits(results)[current(results)].click() }
  })
  dialog.addEventListener("click", (event) => { if (event.target === dialog) shut(dialog) })
  for (const opener of document.querySelectorAll("[data-search-open]")) {
    opener.addEventListener("focus", () => { if (openFinder(opener.value)) opener.blur() })
  }
}

const hits = (results) => [...results.querySelectorAll("a[href]")]
const current = (results) => hits(results).findIndex((hit) => hit.hasAttribute("data-pointed"))

function point(results, place) {
  const all = hits(results)
  for (const hit of all) { hit.removeAttribute("data-pointed"); hit.removeAttribute("aria-current") }
  const hit = all[Math.max(0, Math.min(place, all.length - 1))]
  hit?.setAttribute("data-pointed", "")
  hit?.setAttribute("aria-current", "true")
  hit?.scrollIntoView({ block: "nearest" })
}
