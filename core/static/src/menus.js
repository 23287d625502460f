// The side menu on a phone, and the small menus of the top bar.
import { each } from "./dom.js"

export function bindMenus(root) {
  each(root, "[data-menu]", toggleMenu)
  each(root, "details.dw-drop-menu, details.dw-board-moves", closeOutside)
  each(root, "[data-copy]", copyText)
  each(root, "[data-print]", printPage)
}

function toggleMenu(button) {
  button.addEventListener("click", () => {
    const open = document.body.classList.toggle("dw-menu-open")
    for (const one of document.querySelectorAll("[data-menu][aria-expanded]")) one.setAttribute("aria-expanded", String(open))
    document.querySelector(open ? "#menu a" : ".dw-menu-button")?.focus()
  })
}

function closeOutside(details) {
  document.addEventListener("click", (event) => { if (!details.contains(event.target)) details.open = false })
  details.addEventListener("keydown", (event) => { if (event.key === "Escape" && details.open) { details.open = false; details.querySelector("summary").focus() } })
}

function copyText(button) {
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(button.dataset.copy)
    const words = button.querySelector("span") || button
    const before = words.textContent
    words.textContent = button.dataset.copied
    setTimeout(() => { words.textContent = before }, 2000)
  })
}

function printPage(button) {
  button.addEventListener("click", () => print())
}
