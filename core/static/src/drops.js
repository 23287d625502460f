// A file is chosen by a button in the page's language or dropped; while it travels the bar shows how far it is.
import { each } from "./dom.js"

export function bindDrops(root) {
  each(root, "input[type=file]", ownButton)
  each(root, "[data-drop]", takeFile)
}

// The browser words its own button in its own language: the input stays for keyboard and readers, a label is what is seen,
// the page's own where it has one.
function ownButton(input) {
  const words = document.body.dataset, dropped = input.closest("[data-drop]")
  const button = input.parentElement.querySelector("label.dw-file-button")
    || Object.assign(document.createElement("label"), { className: "btn btn-plain dw-file-button", htmlFor: input.id, textContent: words.chooseFile })
  const name = Object.assign(document.createElement("bdi"), { className: "dw-second dw-file-name", textContent: words.noFile })
  input.classList.add("dw-file")
  input.after(button, ...(dropped ? [] : [name]))
  input.addEventListener("change", () => { name.textContent = [...input.files].map((file) => file.name).join("، ") || words.noFile })
}

function takeFile(area) {
  const input = area.querySelector("input[type=file]"), text = area.querySelector("[data-drop-text]"), bar = area.querySelector("progress"), form = input.form
  const name = () => { if (input.files.length) text.textContent = [...input.files].map((file) => file.name).join("، ") }
  for (const kind of ["dragover", "dragenter"]) area.addEventListener(kind, (event) => { event.preventDefault(); area.classList.add("dw-over") })
  for (const kind of ["dragleave", "drop"]) area.addEventListener(kind, () => area.classList.remove("dw-over"))
  area.addEventListener("drop", (event) => { event.preventDefault(); input.files = event.dataTransfer.files; name() })
  input.addEventListener("change", name)
  form?.addEventListener("submit", (event) => {
    if (event.defaultPrevented || !input.files.length) return
    event.preventDefault()
    send(form, bar, event.submitter)
  })
}

function send(form, bar, button) {
  const request = new XMLHttpRequest(), body = new FormData(form, button)
  bar.hidden = false
  request.upload.addEventListener("progress", (event) => { if (event.lengthComputable) bar.value = Math.round(100 * event.loaded / event.total) })
  request.addEventListener("load", () => {
    if (request.responseURL && request.status < 400 && request.responseURL !== form.action) { location.assign(request.responseURL); return }
    document.open(); document.write(request.responseText); document.close()
  })
  request.addEventListener("error", () => form.submit())
  request.open("POST", form.action)
  request.send(body)
}
