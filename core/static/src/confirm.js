// A form with data-confirm asks in a native dialog before it is sent. The reason, if asked, travels in its field of that name.
import { each } from "./dom.js"

const part = (dialog, name) => dialog.querySelector(`[data-part=${name}]`)

export function bindConfirm(root) {
  each(root, "form[data-confirm], form:has(button[data-confirm])", askFirst)
}

function askFirst(form) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.confirmed) { delete form.dataset.confirmed; return }
    const dialog = document.querySelector("[data-confirm-dialog]"), button = event.submitter
    const asked = button?.dataset.confirm ? button.dataset : form.dataset
    if (!dialog || !asked.confirm) return
    event.preventDefault()
    fill(dialog, asked, button)
    dialog.returnValue = ""
    dialog.onclose = () => { if (dialog.returnValue === "yes") send(dialog, form, button, asked); else button?.focus() }
    dialog.showModal()
    ;(asked.confirmReason ? dialog.querySelector("#confirm-reason") : part(dialog, "stay")).focus()
  })
}

function fill(dialog, asked, button) {
  part(dialog, "title").textContent = asked.confirm
  part(dialog, "body").textContent = asked.confirmBody || ""
  part(dialog, "keeps").hidden = !asked.confirmKeeps
  part(dialog, "keeps").querySelector("span").textContent = asked.confirmKeeps || ""
  part(dialog, "verb").textContent = asked.confirmVerb || button?.textContent.trim() || part(dialog, "verb").textContent
  part(dialog, "verb").className = `btn ${asked.confirmTone === "act" ? "btn-primary" : "btn-solid-bad"}`
  if (asked.confirmStay) part(dialog, "stay").textContent = asked.confirmStay
  const reason = part(dialog, "reason")
  reason.hidden = !asked.confirmReason
  const input = reason.querySelector("input")
  input.value = ""
  input.required = Boolean(asked.confirmReason)
  reason.querySelector(".dw-hint").textContent = asked.confirmReason || ""
}

function send(dialog, form, button, asked) {
  if (asked.confirmReason) {
    const field = form.elements.namedItem("reason") || form.appendChild(Object.assign(document.createElement("input"), { type: "hidden", name: "reason" }))
    field.value = dialog.querySelector("#confirm-reason").value
  }
  form.dataset.confirmed = "1"
  form.requestSubmit(button instanceof HTMLElement && button.form === form ? button : undefined)
}
