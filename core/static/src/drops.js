// A file can be dropped; while it travels the bar shows how far it is.
import { each } from "./dom.js"

export function bindDrops(root) {
  each(root, "[data-drop]", takeFile)
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
