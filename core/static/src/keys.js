// Single keys work outside fields only, and not where a person switched them off (data-no-keys on <html>).
import { inField } from "./dom.js"
import { openFinder } from "./finder.js"

export function bindKeys() {
  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) return save(event)
    if (inField(event.target) || event.ctrlKey || event.metaKey || event.altKey || document.documentElement.hasAttribute("data-no-keys")) return
    if (event.code === "KeyM" && openMoves(event.target)) return event.preventDefault()
    if (event.key === "/" && !document.querySelector("dialog[open]") && openFinder()) event.preventDefault()
  })
}

// The menu of the card on a board that has the focus; pressed again it closes.
function openMoves(target) {
  const moves = target.closest?.(".dw-board-card")?.querySelector("details.dw-board-moves")
  if (!moves) return false
  moves.open = !moves.open
  ;(moves.open && moves.querySelector("li a, li button") || moves.querySelector("summary")).focus()
  return true
}

function save(event) {
  const form = event.target.closest?.("form[method=post]") || document.querySelector("main form[data-save]")
  if (!form) return
  event.preventDefault()
  form.requestSubmit(form.querySelector("button.btn-primary[type=submit], button.btn-primary:not([type])") || undefined)
}
