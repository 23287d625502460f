// A toast tells of success only; it stays 6 seconds, and as long as it is hovered or focused.
import { each } from "./dom.js"

export function bindToasts(root) {
  each(root, "[data-toast]", fade)
}

function fade(toast) {
  let timer
  const start = () => { timer = setTimeout(() => toast.remove(), 6000) }
  const stay = () => clearTimeout(timer)
  toast.addEventListener("mouseenter", stay)
  toast.addEventListener("focusin", stay)
  toast.addEventListener("mouseleave", start)
  toast.addEventListener("focusout", start)
  toast.addEventListener("keydown", (event) => { if (event.key === "Escape") toast.remove() })
  toast.querySelector("[data-toast-close]")?.addEventListener("click", () => toast.remove())
  start()
}
