// Fields: look-ups while typing, passwords shown, errors focused, forms sent once, filters applied at once.
import { each } from "./dom.js"

export function bindFields(root) {
  each(root, "select[data-lookup], select[data-choose]", lookUp)
  each(root, "[data-reveal]", reveal)
  each(root, "form[method=post]", sendOnce)
  each(root, "form[data-save]", keepTyped)
  each(root, "[data-auto-submit]", submitOnChange)
  each(root, "[data-focus]", focusNow)
  each(root, "[data-narrow]", narrow)
  each(root, "[data-count-of]", countLetters)
}

async function lookUp(select) {
  styleOnce()
  const { default: TomSelect } = await import("./tom-select.js")
  const address = select.dataset.lookup, words = document.body.dataset
  const nothing = (text) => () => Object.assign(document.createElement("div"), { className: "no-results", textContent: text })
  select.setAttribute("aria-hidden", "true")
  new TomSelect(select, {
    create: false, maxOptions: 50, valueField: "id", labelField: "text", searchField: address ? [] : ["text"], allowEmptyOption: true,
    ...(address ? { preload: "focus", load: (query, done) => load(address, query, done), score: () => () => 1 } : { valueField: "value" }),
    render: { no_results: nothing(words.notFound), loading: nothing(words.loading) },
  })
}

async function load(address, query, done) {
  try {
    const answer = await fetch(`${address}${address.includes("?") ? "&" : "?"}q=${encodeURIComponent(query)}`, { headers: { Accept: "application/json" }, credentials: "same-origin" })
    const found = await answer.json()
    done(found.results || found)
  } catch { done() }
}

function styleOnce() {
  if (document.querySelector("link[data-tom-select]")) return
  const link = Object.assign(document.createElement("link"), { rel: "stylesheet", href: document.body.dataset.tomSelectCss })
  link.dataset.tomSelect = "1"
  document.head.insertBefore(link, document.head.querySelector("link[rel=stylesheet]"))
}

function reveal(button) {
  const field = document.getElementById(button.dataset.reveal), show = button.textContent
  button.addEventListener("click", () => {
    field.type = field.type === "password" ? "text" : "password"
    button.textContent = field.type === "password" ? show : button.dataset.hide
    button.setAttribute("aria-pressed", String(field.type === "text"))
  })
}

// The server refuses the second of two equal sends anyway (operation key); this spares the person the question.
// A form whose answer is a file (data-download) leaves no page: it is free again after a double click's time.
function sendOnce(form) {
  form.addEventListener("submit", (event) => {
    if (event.defaultPrevented || event.submitter?.formTarget === "_blank") return
    if (form.dataset.sent) { event.preventDefault(); return }
    form.dataset.sent = "1"
    addEventListener("pageshow", () => delete form.dataset.sent, { once: true })
    setTimeout(() => delete form.dataset.sent, "download" in form.dataset ? 1000 : 5000)
  })
}

// What was typed into a page's main form is not left without the browser's question; after a refusal it is still unsaved.
function keepTyped(form) {
  let typed = Boolean(form.querySelector("[aria-invalid=true]"))
  for (const kind of ["input", "change"]) form.addEventListener(kind, () => { typed = true })
  form.addEventListener("submit", (event) => { if (!event.defaultPrevented && event.submitter?.formTarget !== "_blank") typed = false })
  addEventListener("beforeunload", (event) => { if (typed && form.isConnected) event.preventDefault() })
}

function submitOnChange(field) {
  field.addEventListener("change", () => field.form.requestSubmit())
}

// Of many lines already in the page only those that hold the words; a ticked one stays. Enter does not send the form.
function narrow(field) {
  const whole = document.querySelector(field.dataset.narrow), none = field.closest("fieldset")?.querySelector("[data-narrow-none]")
  const key = (text) => text.normalize("NFKD").replace(/[\u064b-\u065f\u0640\u0300-\u036f]/g, "").replace(/[\u0622\u0623\u0625\u0671]/g, "\u0627").replace(/\u0649/g, "\u064a").replace(/\u0629/g, "\u0647").toLowerCase()
  field.addEventListener("keydown", (event) => { if (event.key === "Enter") event.preventDefault() })
  field.addEventListener("input", () => {
    const wanted = key(field.value).split(/\s+/).filter(Boolean)
    for (const group of whole.querySelectorAll("[data-narrow-group]")) {
      const heading = key(group.firstElementChild.textContent)
      const lines = [...group.querySelectorAll("[data-narrow-line]")]
      for (const line of lines) line.hidden = !line.querySelector(":checked") && !wanted.every((word) => heading.includes(word) || key(line.textContent).includes(word))
      group.hidden = lines.every((line) => line.hidden)
    }
    if (none) none.hidden = Boolean(whole.querySelector("[data-narrow-line]:not([hidden])"))
  })
}

function focusNow(element) {
  const first = document.querySelector("[aria-invalid=true]")
  ;(first || element).focus()
}

// How many letters stand in a field, as the server counts them; beyond the most they are marked, and nothing is cut off.
function countLetters(shown) {
  const field = document.getElementById(shown.dataset.countOf), { words, most } = shown.dataset
  const show = () => {
    const letters = [...field.value.trim()].length
    shown.textContent = words.replace("{n}", letters)
    shown.classList.toggle("dw-bad-ink", letters > Number(most))
  }
  field.addEventListener("input", show)
  show()
}
