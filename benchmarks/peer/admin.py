"""The lists as somebody would declare them who wants what the product's lists show: as many rows, the same columns, one filter."""

from __future__ import annotations

from django.contrib import admin

from benchmarks.peer import models
from core.admin.lists import PAGE_SIZE


@admin.register(models.Customer)
class CustomerAdmin(admin.ModelAdmin):  # type: ignore[misc]
    list_display = ("number", "name", "customer_class", "city", "centre", "mobile", "changed_at")
    list_select_related = ("city", "centre")
    list_filter = ("customer_class",)
    list_per_page = PAGE_SIZE
    search_fields = ("name",)


@admin.register(models.Contribution)
class ContributionAdmin(admin.ModelAdmin):  # type: ignore[misc]
    list_display = ("received_on", "customer", "programme", "fund", "reference", "method", "amount_minor", "currency")
    list_select_related = ("customer", "programme", "fund")
    list_per_page = PAGE_SIZE
    search_fields = ("reference",)
