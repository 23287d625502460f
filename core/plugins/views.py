"""The page of plugins: switch, state in words, what is kept, what is needed; failed ones above, with cause and remedy."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, url_for

from core.admin.help import Help
from core.admin.views import PageView, expose
from core.i18n import gettext as _
from core.i18n import lazy_gettext as _l
from core.plugins import queries, selection
from core.state import state


class PluginsView(PageView):
    page_url = "/settings/plugins"
    page_endpoint = "plugins_page"
    permission = "plugins.select"
    menu_title = _l("Plugins")
    menu_group = "administration"
    menu_order = 40
    menu_icon = "puzzle"
    help = Help(
        _l("The plugins that lie on this server, and which of them this association uses."),
        can=_l("Turn one on or off; see what it needs, how much data is kept, and why one does not load."),
        decides=_l("The administrator. IT puts new plugins on the server."),
        then=_l("Turned off, its pages and menu entries are gone at once; its data stays and is there again when it is turned on."),
    )

    @expose("/")
    def index(self) -> Any:
        return self.render("plugins/index.html", lines=queries.plugin_lines(self.session, state()), failed=queries.faults_without_plugin(state()))

    @expose("/<name>/on", methods=("POST",))
    def turn_on(self, name: str) -> Any:
        with self.writing() as session:
            selection.enable(session, state().catalogue, name, actor=self.actor, now=self.now())
        flash(_("“%(name)s” is on.", name=self._title(name)), "success")
        return redirect(url_for(".index"))

    @expose("/<name>/off", methods=("POST",))
    def turn_off(self, name: str) -> Any:
        with self.writing() as session:
            selection.disable(session, state().catalogue, name, actor=self.actor, now=self.now())
        flash(_("“%(name)s” is off. Its data stays.", name=self._title(name)), "success")
        return redirect(url_for(".index"))

    def _title(self, name: str) -> Any:
        plugin = state().catalogue.get(name)
        return plugin.info.title if plugin else name
