// What every page loads. Each module binds what it finds in a part of the page; parts that arrive later are bound again.
import { ready } from "./dom.js"
import { bindConfirm } from "./confirm.js"
import { bindLists } from "./lists.js"
import { bindFinder } from "./finder.js"
import { bindKeys } from "./keys.js"
import { bindMenus } from "./menus.js"
import { bindToasts } from "./toasts.js"
import { bindFields } from "./fields.js"
import { bindDrops } from "./drops.js"

ready((root) => {
  bindConfirm(root)
  bindLists(root)
  bindFinder(root)
  bindMenus(root)
  bindToasts(root)
  bindFields(root)
  bindDrops(root)
})
bindKeys()
