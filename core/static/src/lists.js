// Lists: results while typing, rows chosen for an action on several, arrow keys between rows.
import { bound, each, fetchPage, inField, later } from "./dom.js"

export function bindLists(root) {
  each(root, "form[data-live]", searchWhileTyping)
  each(root, "[data-bulk]", chooseRows)
  each(root, "table[data-rows]", walkRows)
}

// The form's page is asked again with what was typed; only the parts named in data-live are exchanged, so nothing jumps.
function searchWhileTyping(form) {
  const input = form.querySelector("input[type=search]")
  let running
  const search = later(async () => {
    running?.abort()
    running = new AbortController()
    const query = new URLSearchParams(new FormData(form))
    for (const [name, value] of [...query]) if (!value) query.delete(name, value)
    const address = `${form.getAttribute("action") || location.pathname}?${query}`
    try {
      const page = await fetchPage(address, running.signal)
      if (page) exchange(form, page, address)
    } catch (error) {
      if (error.name !== "AbortError") form.submit()
    }
  }, 250)
  input.addEventListener("input", search)
  form.querySelector("[data-clear]")?.addEventListener("click", () => { input.value = ""; input.focus(); search() })
  if (input.hasAttribute("data-arrive") && matchMedia("(min-width: 760px)").matches) {
    input.focus({ preventScroll: true })
    input.setSelectionRange(input.value.length, input.value.length)
  }
}

function exchange(form, page, address) {
  for (const selector of form.dataset.live.split(",")) {
    const here = document.querySelector(selector), there = page.querySelector(selector)
    if (!here || !there) continue
    here.replaceWith(there)
    bound(there.parentElement)
  }
  history.replaceState(null, "", address)
}

function chooseRows(area) {
  const row = "[data-bulk-row], [data-tick]"
  const bar = area.querySelector("[data-bulk-bar]"), all = area.querySelector("[data-bulk-all], [data-all]"), count = area.querySelector("[data-bulk-count]")
  const boxes = () => [...area.querySelectorAll(row)]
  const matching = area.querySelector("[data-bulk-matching]")
  if (!bar) return
  const show = () => {
    const chosen = boxes().filter((box) => box.checked)
    for (const box of boxes()) box.closest("tr")?.classList.toggle("dw-chosen", box.checked)
    bar.hidden = !chosen.length
    if (all) { all.checked = chosen.length > 0 && chosen.length === boxes().length; all.indeterminate = chosen.length > 0 && !all.checked }
    if (count) count.textContent = counted(count, chosen.length)
    if (matching) matching.value = ""
  }
  area.addEventListener("change", (event) => {
    if (event.target === all) for (const box of boxes()) box.checked = all.checked
    if (event.target === all || event.target.matches(row)) show()
  })
  const clear = () => { for (const box of boxes()) box.checked = false; show() }
  bar.querySelector("[data-bulk-clear]")?.addEventListener("click", clear)
  bar.querySelector("[data-bulk-everything]")?.addEventListener("click", (event) => {
    if (matching) matching.value = "1"
    if (count) count.textContent = event.currentTarget.dataset.bulkEverything
  })
  document.addEventListener("keydown", (event) => { if (event.key === "Escape" && !bar.hidden && area.isConnected && !document.querySelector("dialog[open]")) clear() })
  show()
}

// A counted message in the form the language asks for; the forms are in data-forms.
export function counted(element, number) {
  const forms = JSON.parse(element.dataset.forms || document.body.dataset.chosen)
  const form = new Intl.PluralRules(document.documentElement.lang).select(number)
  return (forms[form] || forms.other).replace("{n}", number.toLocaleString("en"))
}

function walkRows(table) {
  table.addEventListener("keydown", (event) => {
    if (!["ArrowDown", "ArrowUp", "Enter"].includes(event.key) || inField(event.target) && event.target.type !== "checkbox") return
    const rows = [...table.tBodies[0].rows], at = rows.indexOf(event.target.closest("tr"))
    if (event.key === "Enter") { if (event.target.matches("tr")) event.target.querySelector("a")?.click(); return }
    const next = rows[at + (event.key === "ArrowDown" ? 1 : -1)]
    if (next) { event.preventDefault(); (next.querySelector("a") || next).focus() }
  })
}
