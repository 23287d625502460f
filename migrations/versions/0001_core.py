"""Core's tables"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

JSON = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")

revision = "0001_core"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "core_audit_block",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("batch", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("entries", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("previous", sa.String(length=64), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("version", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_core_audit_block")),
        sa.UniqueConstraint("batch", name=op.f("uq_core_audit_block_batch")),
    )
    op.create_table(
        "core_audit_event",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("batch", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("offset_minutes", sa.SmallInteger(), nullable=False),
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.Column("actor_id", sa.Integer(), nullable=True),
        sa.Column("actor_label", sa.String(length=200), nullable=False),
        sa.Column("on_behalf_of_id", sa.Integer(), nullable=True),
        sa.Column("on_behalf_of_label", sa.String(length=200), nullable=True),
        sa.Column("source", sa.String(length=20), nullable=False),
        sa.Column("plugin", sa.String(length=60), nullable=False),
        sa.Column("plugin_version", sa.String(length=40), nullable=True),
        sa.Column("record_type", sa.String(length=80), nullable=True),
        sa.Column("record_id", sa.String(length=80), nullable=True),
        sa.Column("record_label", sa.String(length=200), nullable=True),
        sa.Column("form_number", sa.String(length=40), nullable=True),
        sa.Column("subject_id", sa.String(length=36), nullable=True),
        sa.Column("changes", sa.Text(), nullable=True),
        sa.Column("sealed", sa.Text(), nullable=True),
        sa.Column("data", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("rule", sa.String(length=40), nullable=True),
        sa.Column("request", sa.String(length=40), nullable=True),
        sa.Column("address", sa.String(length=60), nullable=True),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_audit_event")),
        sa.UniqueConstraint("batch", "position", name="uq_core_audit_event_place"),
    )
    with op.batch_alter_table("core_audit_event", schema=None) as batch_op:
        batch_op.create_index("ix_core_audit_event_action", ["action", "id"], unique=False)
        batch_op.create_index("ix_core_audit_event_actor", ["actor_label", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_core_audit_event_at"), ["at"], unique=False)
        batch_op.create_index("ix_core_audit_event_label", ["record_label", "id"], unique=False)
        batch_op.create_index("ix_core_audit_event_plugin", ["plugin", "id"], unique=False)
        batch_op.create_index("ix_core_audit_event_record", ["record_type", "record_id", "id"], unique=False)

    op.create_table(
        "core_authority",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("decision", sa.String(length=80), nullable=False),
        sa.Column("decides", sa.String(length=60), nullable=False),
        sa.Column("approves", sa.String(length=60), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_authority")),
        sa.UniqueConstraint("decision", name=op.f("uq_core_authority_decision")),
    )
    op.create_table(
        "core_city",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name_ar", sa.String(length=200), nullable=False),
        sa.Column("name_en", sa.String(length=200), nullable=False),
        sa.Column("region_ar", sa.String(length=200), nullable=False),
        sa.Column("region_en", sa.String(length=200), nullable=False),
        sa.Column("name_key", sa.String(length=420), nullable=False),
        sa.Column("region_key", sa.String(length=420), nullable=False),
        sa.Column("external_code", sa.String(length=60), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_city")),
        sa.UniqueConstraint("external_code", name=op.f("uq_core_city_external_code")),
    )
    with op.batch_alter_table("core_city", schema=None) as batch_op:
        batch_op.create_index("ix_core_city_active_name_ar", ["active", "name_ar"], unique=False)
        batch_op.create_index("ix_core_city_name_key", ["name_key"], unique=False)

    op.create_table(
        "core_counter",
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_core_counter")),
    )
    op.create_table(
        "core_department",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("slug", sa.String(length=60), nullable=False),
        sa.Column("name_ar", sa.String(length=200), nullable=False),
        sa.Column("name_en", sa.String(length=200), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_department")),
        sa.UniqueConstraint("slug", name=op.f("uq_core_department_slug")),
    )
    op.create_table(
        "core_fund",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=60), nullable=False),
        sa.Column("name_ar", sa.String(length=200), nullable=False),
        sa.Column("name_en", sa.String(length=200), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_fund")),
        sa.UniqueConstraint("code", name=op.f("uq_core_fund_code")),
    )
    op.create_table(
        "core_import_mapping",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=80), nullable=False),
        sa.Column("headings_hash", sa.String(length=64), nullable=False),
        sa.Column("mapping", JSON, nullable=False),
        sa.Column("declared", JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_import_mapping")),
        sa.UniqueConstraint("kind", "headings_hash", name=op.f("uq_core_import_mapping_kind_headings_hash")),
    )
    op.create_table(
        "core_job",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("args", JSON, nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_token", sa.String(length=40), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("unique_key", sa.String(length=200), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("progress_done", sa.Integer(), nullable=False),
        sa.Column("progress_total", sa.Integer(), nullable=True),
        sa.Column("requested_by", sa.Integer(), nullable=True),
        sa.Column("enqueued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('waiting', 'running', 'done', 'dead', 'skipped')", name=op.f("ck_core_job_state")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_job")),
        sa.UniqueConstraint("unique_key", name=op.f("uq_core_job_unique_key")),
    )
    with op.batch_alter_table("core_job", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_core_job_name"), ["name"], unique=False)
        batch_op.create_index("ix_core_job_state_due_at", ["state", "due_at"], unique=False)

    op.create_table(
        "core_login_attempts",
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("locked_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_core_login_attempts")),
    )
    op.create_table(
        "core_mail",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("to_address", sa.String(length=254), nullable=False),
        sa.Column("language", sa.String(length=5), nullable=False),
        sa.Column("subject", sa.String(length=300), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("secret", sa.Boolean(), nullable=False),
        sa.Column("message_id", sa.String(length=120), nullable=False),
        sa.Column("unique_key", sa.String(length=200), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.String(length=500), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('queued', 'sending', 'sent', 'failed', 'copied')", name=op.f("ck_core_mail_state")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_mail")),
        sa.UniqueConstraint("message_id", name=op.f("uq_core_mail_message_id")),
        sa.UniqueConstraint("unique_key", name=op.f("uq_core_mail_unique_key")),
    )
    with op.batch_alter_table("core_mail", schema=None) as batch_op:
        batch_op.create_index("ix_core_mail_state", ["state", "id"], unique=False)

    op.create_table(
        "core_notice",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("text", sa.String(length=500), nullable=False),
        sa.Column("args", JSON, nullable=False),
        sa.Column("link", sa.String(length=300), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_notice")),
    )
    with op.batch_alter_table("core_notice", schema=None) as batch_op:
        batch_op.create_index("ix_core_notice_user", ["user_id", "read_at", "id"], unique=False)

    op.create_table(
        "core_optional_field",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("name_ar", sa.String(length=100), nullable=False),
        sa.Column("name_en", sa.String(length=100), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("purpose", sa.String(length=500), nullable=True),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.CheckConstraint("NOT enabled OR purpose IS NOT NULL", name=op.f("ck_core_optional_field_purpose")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_optional_field")),
        sa.UniqueConstraint("code", name=op.f("uq_core_optional_field_code")),
    )
    op.create_table(
        "core_plugin_selection",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("stamp", sa.Integer(), nullable=False),
        sa.Column("names", JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_plugin_selection")),
    )
    op.create_table(
        "core_procedure",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=60), nullable=False),
        sa.Column("plugin", sa.String(length=60), nullable=False),
        sa.Column("name_ar", sa.String(length=300), nullable=False),
        sa.Column("name_en", sa.String(length=300), nullable=False),
        sa.Column("clause", sa.String(length=60), nullable=False),
        sa.Column("source", sa.String(length=300), nullable=False),
        sa.Column("extra", JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_procedure")),
        sa.UniqueConstraint("code", name=op.f("uq_core_procedure_code")),
    )
    with op.batch_alter_table("core_procedure", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_core_procedure_plugin"), ["plugin"], unique=False)

    op.create_table(
        "core_role",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("slug", sa.String(length=60), nullable=False),
        sa.Column("name_ar", sa.String(length=200), nullable=False),
        sa.Column("name_en", sa.String(length=200), nullable=False),
        sa.Column("titles", JSON, nullable=False),
        sa.Column("same_post_as", sa.String(length=60), nullable=True),
        sa.Column("manager", sa.String(length=60), nullable=True),
        sa.Column("department", sa.String(length=60), nullable=True),
        sa.Column("duties_ar", sa.Text(), nullable=False),
        sa.Column("duties_en", sa.Text(), nullable=False),
        sa.Column("scope", sa.String(length=20), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_role")),
        sa.UniqueConstraint("slug", name=op.f("uq_core_role_slug")),
    )
    op.create_table(
        "core_setting",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("value", JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_setting")),
        sa.UniqueConstraint("key", name=op.f("uq_core_setting_key")),
    )
    op.create_table(
        "core_subject_key",
        sa.Column("subject_id", sa.String(length=36), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=True),
        sa.Column("adopted_by", sa.String(length=36), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("destroyed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("subject_id", name=op.f("pk_core_subject_key")),
    )
    with op.batch_alter_table("core_subject_key", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_core_subject_key_adopted_by"), ["adopted_by"], unique=False)

    op.create_table(
        "core_void_range",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("counter", sa.String(length=80), nullable=False),
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_void_range")),
    )
    op.create_table(
        "core_worker_beat",
        sa.Column("worker", sa.String(length=120), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("worker", name=op.f("pk_core_worker_beat")),
    )
    op.create_table(
        "core_branch",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("city_id", sa.Integer(), nullable=True),
        sa.Column("name_ar", sa.String(length=200), nullable=False),
        sa.Column("name_en", sa.String(length=200), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["city_id"], ["core_city.id"], name=op.f("fk_core_branch_city_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_branch")),
        sa.UniqueConstraint("name_ar", name=op.f("uq_core_branch_name_ar")),
    )
    with op.batch_alter_table("core_branch", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_core_branch_city_id"), ["city_id"], unique=False)

    op.create_table(
        "core_centre",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("city_id", sa.Integer(), nullable=False),
        sa.Column("name_ar", sa.String(length=200), nullable=False),
        sa.Column("name_en", sa.String(length=200), nullable=False),
        sa.Column("external_code", sa.String(length=60), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["city_id"], ["core_city.id"], name=op.f("fk_core_centre_city_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_centre")),
        sa.UniqueConstraint("city_id", "name_ar", name=op.f("uq_core_centre_city_id_name_ar")),
        sa.UniqueConstraint("external_code", name=op.f("uq_core_centre_external_code")),
    )
    with op.batch_alter_table("core_centre", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_core_centre_city_id"), ["city_id"], unique=False)

    op.create_table(
        "core_procedure_step_version",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("procedure_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("roles", sa.String(length=300), nullable=False),
        sa.Column("mode", sa.String(length=40), nullable=False),
        sa.Column("role_ar", sa.String(length=300), nullable=False),
        sa.Column("role_en", sa.String(length=300), nullable=False),
        sa.Column("action_ar", sa.Text(), nullable=False),
        sa.Column("action_en", sa.Text(), nullable=False),
        sa.Column("act_ar", sa.String(length=40), nullable=False),
        sa.Column("act_en", sa.String(length=40), nullable=False),
        sa.Column("output_ar", sa.Text(), nullable=False),
        sa.Column("output_en", sa.Text(), nullable=False),
        sa.Column("duration", sa.String(length=20), nullable=True),
        sa.Column("frequency", sa.String(length=20), nullable=True),
        sa.Column("opens", JSON, nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("author_id", sa.Integer(), nullable=True),
        sa.Column("author_label", sa.String(length=200), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.ForeignKeyConstraint(
            ["procedure_id"], ["core_procedure.id"], name=op.f("fk_core_procedure_step_version_procedure_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_procedure_step_version")),
        sa.UniqueConstraint(
            "procedure_id", "number", "version", name=op.f("uq_core_procedure_step_version_procedure_id_number_version")
        ),
    )
    op.create_table(
        "core_role_permission",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("role_id", sa.Integer(), nullable=False),
        sa.Column("permission", sa.String(length=80), nullable=False),
        sa.Column("granted", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["role_id"], ["core_role.id"], name=op.f("fk_core_role_permission_role_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_role_permission")),
        sa.UniqueConstraint("role_id", "permission", name=op.f("uq_core_role_permission_role_id_permission")),
    )
    op.create_table(
        "core_step_period",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("procedure_code", sa.String(length=60), nullable=False),
        sa.Column("step_number", sa.Integer(), nullable=False),
        sa.Column("role", sa.String(length=60), nullable=False),
        sa.Column("department_id", sa.Integer(), nullable=True),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("number", sa.String(length=60), nullable=False),
        sa.ForeignKeyConstraint(
            ["department_id"], ["core_department.id"], name=op.f("fk_core_step_period_department_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_step_period")),
        sa.UniqueConstraint(
            "procedure_code",
            "step_number",
            "role",
            "starts_on",
            name=op.f("uq_core_step_period_procedure_code_step_number_role_starts_on"),
        ),
    )
    with op.batch_alter_table("core_step_period", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_core_step_period_department_id"), ["department_id"], unique=False)

    op.create_table(
        "core_user",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("username", sa.String(length=60), nullable=False),
        sa.Column("subject_id", sa.String(length=36), nullable=False),
        sa.Column("name_ar", sa.String(length=200), nullable=False),
        sa.Column("name_en", sa.String(length=200), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=True),
        sa.Column("phone", sa.String(length=20), nullable=True),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("department_id", sa.Integer(), nullable=True),
        sa.Column("job_description", sa.Text(), nullable=False),
        sa.Column("assignment", sa.Text(), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=True),
        sa.Column("theme", sa.String(length=8), nullable=True),
        sa.Column("single_keys", sa.Boolean(), nullable=False),
        sa.Column("password_hash", sa.String(length=200), nullable=True),
        sa.Column("totp_secret", sa.Text(), nullable=True),
        sa.Column("totp_last", sa.BigInteger(), nullable=True),
        sa.Column("session_epoch", sa.Integer(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('employee', 'volunteer')", name=op.f("ck_core_user_kind")),
        sa.ForeignKeyConstraint(["department_id"], ["core_department.id"], name=op.f("fk_core_user_department_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_user")),
        sa.UniqueConstraint("email", name=op.f("uq_core_user_email")),
        sa.UniqueConstraint("username", name=op.f("uq_core_user_username")),
    )
    op.create_table(
        "core_customer_form",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=True),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("line_count", sa.Integer(), nullable=False),
        sa.Column("subject_id", sa.String(length=36), nullable=False),
        sa.Column("operation_key", sa.String(length=80), nullable=True),
        sa.Column("imported", sa.Boolean(), nullable=False),
        sa.Column("source", sa.String(length=300), nullable=True),
        sa.Column("not_duplicates", sa.Boolean(), nullable=False),
        sa.Column("made_by", sa.Integer(), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("filled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reviewed_by", sa.Integer(), nullable=True),
        sa.Column("reviewed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.Integer(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("entered_by", sa.Integer(), nullable=True),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("filed_by", sa.Integer(), nullable=True),
        sa.Column("filed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "kind = 'system' OR decided_by IS NOT NULL OR state IN ('draft', 'filled', 'reviewed', 'withdrawn') OR (state = 'filed' AND reviewed_at IS NULL)",
            name=op.f("ck_core_customer_form_decided"),
        ),
        sa.CheckConstraint(
            "kind IN ('new', 'modify', 'import', 'merge', 'unmerge', 'erase', 'system')",
            name=op.f("ck_core_customer_form_kind"),
        ),
        sa.CheckConstraint(
            "state <> 'rejected' OR reason IS NOT NULL", name=op.f("ck_core_customer_form_rejected_with_reason")
        ),
        sa.CheckConstraint("state = 'draft' OR number IS NOT NULL", name=op.f("ck_core_customer_form_numbered")),
        sa.CheckConstraint(
            "decided_by IS NULL OR decided_by <> made_by", name=op.f("ck_core_customer_form_not_own_approval")
        ),
        sa.ForeignKeyConstraint(["decided_by"], ["core_user.id"], name=op.f("fk_core_customer_form_decided_by")),
        sa.ForeignKeyConstraint(["entered_by"], ["core_user.id"], name=op.f("fk_core_customer_form_entered_by")),
        sa.ForeignKeyConstraint(["filed_by"], ["core_user.id"], name=op.f("fk_core_customer_form_filed_by")),
        sa.ForeignKeyConstraint(["made_by"], ["core_user.id"], name=op.f("fk_core_customer_form_made_by")),
        sa.ForeignKeyConstraint(["reviewed_by"], ["core_user.id"], name=op.f("fk_core_customer_form_reviewed_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_customer_form")),
        sa.UniqueConstraint("number", name=op.f("uq_core_customer_form_number")),
        sa.UniqueConstraint("operation_key", name=op.f("uq_core_customer_form_operation_key")),
    )
    with op.batch_alter_table("core_customer_form", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_core_customer_form_made_by"), ["made_by"], unique=False)
        batch_op.create_index("ix_core_customer_form_state_id", ["state", "id"], unique=False)

    op.create_table(
        "core_data_officer",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("appointed_by", sa.Integer(), nullable=True),
        sa.CheckConstraint("kind IN ('primary', 'deputy')", name=op.f("ck_core_data_officer_kind")),
        sa.ForeignKeyConstraint(["appointed_by"], ["core_user.id"], name=op.f("fk_core_data_officer_appointed_by")),
        sa.ForeignKeyConstraint(["user_id"], ["core_user.id"], name=op.f("fk_core_data_officer_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_data_officer")),
    )
    with op.batch_alter_table("core_data_officer", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_core_data_officer_user_id"), ["user_id"], unique=False)
        batch_op.create_index(
            "uq_core_data_officer_kind_now",
            ["kind"],
            unique=True,
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )

    op.create_table(
        "core_delegation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("from_user_id", sa.Integer(), nullable=False),
        sa.Column("to_user_id", sa.Integer(), nullable=False),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("until_on", sa.Date(), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("from_user_id <> to_user_id", name=op.f("ck_core_delegation_other")),
        sa.CheckConstraint("until_on >= from_on", name=op.f("ck_core_delegation_period")),
        sa.ForeignKeyConstraint(["from_user_id"], ["core_user.id"], name=op.f("fk_core_delegation_from_user_id")),
        sa.ForeignKeyConstraint(["to_user_id"], ["core_user.id"], name=op.f("fk_core_delegation_to_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_delegation")),
    )
    with op.batch_alter_table("core_delegation", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_core_delegation_from_user_id"), ["from_user_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_core_delegation_to_user_id"), ["to_user_id"], unique=False)

    op.create_table(
        "core_file",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("token", sa.String(length=40), nullable=False),
        sa.Column("record_type", sa.String(length=80), nullable=False),
        sa.Column("record_id", sa.Integer(), nullable=False),
        sa.Column("subject_id", sa.String(length=36), nullable=True),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("media_type", sa.String(length=80), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("permission", sa.String(length=80), nullable=False),
        sa.Column("uploaded_by_id", sa.Integer(), nullable=True),
        sa.Column("uploaded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["uploaded_by_id"], ["core_user.id"], name=op.f("fk_core_file_uploaded_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_file")),
        sa.UniqueConstraint("token", name=op.f("uq_core_file_token")),
    )
    with op.batch_alter_table("core_file", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_core_file_record_type_record_id"), ["record_type", "record_id"], unique=False
        )

    op.create_table(
        "core_finance_batch",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("content", sa.String(length=20), nullable=False),
        sa.Column("layout", sa.String(length=40), nullable=False),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("until_on", sa.Date(), nullable=False),
        sa.Column("filters", JSON, nullable=False),
        sa.Column("layout_settings", JSON, nullable=False),
        sa.Column("row_count", sa.Integer(), nullable=False),
        sa.Column("left_out_count", sa.Integer(), nullable=False),
        sa.Column("totals", JSON, nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("issued_by", sa.Integer(), nullable=True),
        sa.Column("handed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("voided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("voided_by", sa.Integer(), nullable=True),
        sa.Column("void_reason", sa.String(length=500), nullable=True),
        sa.Column("operation_key", sa.String(length=80), nullable=True),
        sa.CheckConstraint("state IN ('issued', 'void')", name=op.f("ck_core_finance_batch_state")),
        sa.ForeignKeyConstraint(["issued_by"], ["core_user.id"], name=op.f("fk_core_finance_batch_issued_by")),
        sa.ForeignKeyConstraint(["voided_by"], ["core_user.id"], name=op.f("fk_core_finance_batch_voided_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_finance_batch")),
        sa.UniqueConstraint("number", name=op.f("uq_core_finance_batch_number")),
        sa.UniqueConstraint("operation_key", name=op.f("uq_core_finance_batch_operation_key")),
    )
    op.create_table(
        "core_import",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=80), nullable=False),
        sa.Column("file_name", sa.String(length=200), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("token", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("declared", JSON, nullable=False),
        sa.Column("mapping", JSON, nullable=False),
        sa.Column("options", JSON, nullable=False),
        sa.Column("counts", JSON, nullable=False),
        sa.Column("made_by_id", sa.Integer(), nullable=True),
        sa.Column("made_by", sa.String(length=120), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("applied_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("operation_key", sa.String(length=64), nullable=True),
        sa.CheckConstraint(
            "state IN ('uploaded', 'checking', 'checked', 'applying', 'applied', 'undone', 'failed')",
            name=op.f("ck_core_import_state"),
        ),
        sa.ForeignKeyConstraint(["made_by_id"], ["core_user.id"], name=op.f("fk_core_import_made_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_import")),
        sa.UniqueConstraint("operation_key", name=op.f("uq_core_import_operation_key")),
    )
    with op.batch_alter_table("core_import", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_core_import_sha256"), ["sha256"], unique=False)

    op.create_table(
        "core_lost_factor",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("asked_by_id", sa.Integer(), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by_id", sa.Integer(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("approved", sa.Boolean(), nullable=True),
        sa.ForeignKeyConstraint(["asked_by_id"], ["core_user.id"], name=op.f("fk_core_lost_factor_asked_by_id")),
        sa.ForeignKeyConstraint(["decided_by_id"], ["core_user.id"], name=op.f("fk_core_lost_factor_decided_by_id")),
        sa.ForeignKeyConstraint(["user_id"], ["core_user.id"], name=op.f("fk_core_lost_factor_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_lost_factor")),
    )
    with op.batch_alter_table("core_lost_factor", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_core_lost_factor_user_id"), ["user_id"], unique=False)

    op.create_table(
        "core_one_time_link",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("purpose", sa.String(length=12), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["core_user.id"], name=op.f("fk_core_one_time_link_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_one_time_link")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_core_one_time_link_token_hash")),
    )
    with op.batch_alter_table("core_one_time_link", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_core_one_time_link_user_id"), ["user_id"], unique=False)

    op.create_table(
        "core_programme",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=60), nullable=True),
        sa.Column("name_ar", sa.String(length=300), nullable=False),
        sa.Column("name_en", sa.String(length=300), nullable=False),
        sa.Column("centre_id", sa.Integer(), nullable=True),
        sa.Column("fund", sa.String(length=60), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["centre_id"], ["core_centre.id"], name=op.f("fk_core_programme_centre_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_programme")),
        sa.UniqueConstraint("code", name=op.f("uq_core_programme_code")),
    )
    with op.batch_alter_table("core_programme", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_core_programme_centre_id"), ["centre_id"], unique=False)

    op.create_table(
        "core_recommendation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=30), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("record_type", sa.String(length=80), nullable=True),
        sa.Column("record_id", sa.Integer(), nullable=True),
        sa.Column("record_label", sa.String(length=200), nullable=False),
        sa.Column("link", sa.String(length=300), nullable=False),
        sa.Column("plugin", sa.String(length=60), nullable=False),
        sa.Column("decision", sa.String(length=80), nullable=False),
        sa.Column("department_id", sa.Integer(), nullable=True),
        sa.Column("period_from", sa.Date(), nullable=False),
        sa.Column("period_until", sa.Date(), nullable=False),
        sa.Column("carried_from", sa.Date(), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("raised_by_id", sa.Integer(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by_id", sa.Integer(), nullable=True),
        sa.Column("decision_reason", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_by_id", sa.Integer(), nullable=True),
        sa.Column("operation_key", sa.String(length=80), nullable=True),
        sa.CheckConstraint(
            "(state = 'carried_out') = (done_at IS NOT NULL)", name=op.f("ck_core_recommendation_carried_out")
        ),
        sa.CheckConstraint("(state = 'proposed') = (decided_at IS NULL)", name=op.f("ck_core_recommendation_decided")),
        sa.CheckConstraint(
            "state <> 'declined' OR decision_reason <> ''", name=op.f("ck_core_recommendation_declined")
        ),
        sa.CheckConstraint(
            "state <> 'not_carried_out' OR cause <> ''", name=op.f("ck_core_recommendation_not_carried_out")
        ),
        sa.CheckConstraint(
            "state IN ('proposed', 'adopted', 'declined', 'carried_out', 'not_carried_out')",
            name=op.f("ck_core_recommendation_state"),
        ),
        sa.CheckConstraint("text <> ''", name=op.f("ck_core_recommendation_text")),
        sa.CheckConstraint(
            "(decided_at IS NULL) = (decided_by_id IS NULL)", name=op.f("ck_core_recommendation_decided_by")
        ),
        sa.CheckConstraint("(record_type IS NULL) = (record_id IS NULL)", name=op.f("ck_core_recommendation_record")),
        sa.CheckConstraint(
            "decided_by_id IS NULL OR raised_by_id IS NULL OR decided_by_id <> raised_by_id",
            name=op.f("ck_core_recommendation_another_decides"),
        ),
        sa.CheckConstraint("period_until >= period_from", name=op.f("ck_core_recommendation_period")),
        sa.ForeignKeyConstraint(["decided_by_id"], ["core_user.id"], name=op.f("fk_core_recommendation_decided_by_id")),
        sa.ForeignKeyConstraint(
            ["department_id"], ["core_department.id"], name=op.f("fk_core_recommendation_department_id")
        ),
        sa.ForeignKeyConstraint(["done_by_id"], ["core_user.id"], name=op.f("fk_core_recommendation_done_by_id")),
        sa.ForeignKeyConstraint(["raised_by_id"], ["core_user.id"], name=op.f("fk_core_recommendation_raised_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_recommendation")),
        sa.UniqueConstraint("number", name=op.f("uq_core_recommendation_number")),
        sa.UniqueConstraint("operation_key", name=op.f("uq_core_recommendation_operation_key")),
    )
    with op.batch_alter_table("core_recommendation", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_core_recommendation_decided_by_id"), ["decided_by_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_core_recommendation_department_id"), ["department_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_core_recommendation_done_by_id"), ["done_by_id"], unique=False)
        batch_op.create_index("ix_core_recommendation_period", ["period_from", "department_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_core_recommendation_plugin"), ["plugin"], unique=False)
        batch_op.create_index(batch_op.f("ix_core_recommendation_raised_by_id"), ["raised_by_id"], unique=False)
        batch_op.create_index("ix_core_recommendation_record", ["record_type", "record_id"], unique=False)
        batch_op.create_index("ix_core_recommendation_state", ["state", "due_on"], unique=False)

    op.create_table(
        "core_recovery_code",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["core_user.id"], name=op.f("fk_core_recovery_code_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_recovery_code")),
    )
    with op.batch_alter_table("core_recovery_code", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_core_recovery_code_user_id"), ["user_id"], unique=False)

    op.create_table(
        "core_report_run",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("report", sa.String(length=120), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=True),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("whole", sa.Boolean(), nullable=False),
        sa.Column("centre_id", sa.Integer(), nullable=True),
        sa.Column("reach", sa.Text(), nullable=False),
        sa.Column("row_count", sa.Integer(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_by", sa.Integer(), nullable=True),
        sa.Column("made_by_label", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(["centre_id"], ["core_centre.id"], name=op.f("fk_core_report_run_centre_id")),
        sa.ForeignKeyConstraint(["made_by"], ["core_user.id"], name=op.f("fk_core_report_run_made_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_report_run")),
        sa.UniqueConstraint("number", name=op.f("uq_core_report_run_number")),
    )
    with op.batch_alter_table("core_report_run", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_core_report_run_centre_id"), ["centre_id"], unique=False)
        batch_op.create_index("ix_core_report_run_report", ["report", "starts_on", "ends_on", "id"], unique=False)

    op.create_table(
        "core_step_run",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("procedure_code", sa.String(length=60), nullable=False),
        sa.Column("step_number", sa.Integer(), nullable=False),
        sa.Column("step_version_id", sa.Integer(), nullable=False),
        sa.Column("record_type", sa.String(length=80), nullable=False),
        sa.Column("record_id", sa.Integer(), nullable=False),
        sa.Column("period", sa.Date(), nullable=True),
        sa.Column("record_label", sa.String(length=200), nullable=False),
        sa.Column("link", sa.String(length=300), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=True),
        sa.Column("subject_id", sa.String(length=36), nullable=True),
        sa.Column("roles", sa.String(length=300), nullable=False),
        sa.Column("assigned_user_id", sa.Integer(), nullable=True),
        sa.Column("department_id", sa.Integer(), nullable=True),
        sa.Column("centre_id", sa.Integer(), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_as", sa.String(length=10), nullable=True),
        sa.Column("outcome", sa.String(length=40), nullable=True),
        sa.Column("ended_by_id", sa.Integer(), nullable=True),
        sa.Column("ended_by_label", sa.String(length=200), nullable=True),
        sa.Column("on_behalf_of_id", sa.Integer(), nullable=True),
        sa.Column("on_behalf_of_label", sa.String(length=200), nullable=True),
        sa.Column("output_note", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["step_version_id"], ["core_procedure_step_version.id"], name=op.f("fk_core_step_run_step_version_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_step_run")),
    )
    with op.batch_alter_table("core_step_run", schema=None) as batch_op:
        batch_op.create_index("ix_core_step_run_customer", ["customer_id"], unique=False)
        batch_op.create_index(
            "ix_core_step_run_open",
            ["due_at"],
            unique=False,
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )
        batch_op.create_index(
            "ix_core_step_run_procedure", ["procedure_code", "step_number", "opened_at"], unique=False
        )
        batch_op.create_index("ix_core_step_run_record", ["record_type", "record_id"], unique=False)
        batch_op.create_index(
            "uq_core_step_run_period",
            ["record_type", "record_id", "procedure_code", "step_number", "period"],
            unique=True,
        )

    op.create_table(
        "core_user_centre",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("centre_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["centre_id"], ["core_centre.id"], name=op.f("fk_core_user_centre_centre_id")),
        sa.ForeignKeyConstraint(["user_id"], ["core_user.id"], name=op.f("fk_core_user_centre_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_user_centre")),
        sa.UniqueConstraint("user_id", "centre_id", name=op.f("uq_core_user_centre_user_id_centre_id")),
    )
    with op.batch_alter_table("core_user_centre", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_core_user_centre_user_id"), ["user_id"], unique=False)

    op.create_table(
        "core_user_role",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("role_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["role_id"], ["core_role.id"], name=op.f("fk_core_user_role_role_id")),
        sa.ForeignKeyConstraint(["user_id"], ["core_user.id"], name=op.f("fk_core_user_role_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_user_role")),
        sa.UniqueConstraint("user_id", "role_id", name=op.f("uq_core_user_role_user_id_role_id")),
    )
    with op.batch_alter_table("core_user_role", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_core_user_role_user_id"), ["user_id"], unique=False)

    op.create_table(
        "core_user_session",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("device", sa.String(length=200), nullable=False),
        sa.Column("address", sa.String(length=60), nullable=False),
        sa.Column("second_factor", sa.Boolean(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["core_user.id"], name=op.f("fk_core_user_session_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_user_session")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_core_user_session_token_hash")),
    )
    with op.batch_alter_table("core_user_session", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_core_user_session_user_id"), ["user_id"], unique=False)

    op.create_table(
        "core_customer",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("subject_id", sa.String(length=36), nullable=False),
        sa.Column("form_id", sa.Integer(), nullable=False),
        sa.Column("line_id", sa.Integer(), nullable=False),
        sa.Column("imported", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("name", sa.String(length=300), nullable=False),
        sa.Column("customer_class", sa.String(length=20), nullable=False),
        sa.Column("other_detail", sa.String(length=200), nullable=True),
        sa.Column("address", sa.String(length=500), nullable=True),
        sa.Column("city_id", sa.Integer(), nullable=True),
        sa.Column("centre_id", sa.Integer(), nullable=True),
        sa.Column("phone", sa.String(length=20), nullable=True),
        sa.Column("mobile", sa.String(length=20), nullable=True),
        sa.Column("email", sa.String(length=254), nullable=True),
        sa.Column("contact_channel", sa.String(length=20), nullable=True),
        sa.Column("department_id", sa.Integer(), nullable=True),
        sa.Column("registration_origin", sa.String(length=20), nullable=True),
        sa.Column("remarks", sa.Text(), nullable=True),
        sa.Column("extra", JSON, nullable=True),
        sa.CheckConstraint(
            "customer_class <> 'other' OR other_detail IS NOT NULL", name=op.f("ck_core_customer_other_detail")
        ),
        sa.ForeignKeyConstraint(["centre_id"], ["core_centre.id"], name=op.f("fk_core_customer_centre_id")),
        sa.ForeignKeyConstraint(["city_id"], ["core_city.id"], name=op.f("fk_core_customer_city_id")),
        sa.ForeignKeyConstraint(["department_id"], ["core_department.id"], name=op.f("fk_core_customer_department_id")),
        sa.ForeignKeyConstraint(["form_id"], ["core_customer_form.id"], name=op.f("fk_core_customer_form_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_customer")),
        sa.UniqueConstraint("line_id", name=op.f("uq_core_customer_line_id")),
        sa.UniqueConstraint("number", name=op.f("uq_core_customer_number")),
    )
    with op.batch_alter_table("core_customer", schema=None) as batch_op:
        batch_op.create_index("ix_core_customer_centre_id_id", ["centre_id", "id"], unique=False)
        batch_op.create_index("ix_core_customer_changed_at_id", ["changed_at", "id"], unique=False)
        batch_op.create_index("ix_core_customer_city_id_id", ["city_id", "id"], unique=False)
        batch_op.create_index("ix_core_customer_created_at", ["created_at", "imported"], unique=False)
        batch_op.create_index("ix_core_customer_customer_class_id", ["customer_class", "id"], unique=False)
        batch_op.create_index("ix_core_customer_department_id_id", ["department_id", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_core_customer_form_id"), ["form_id"], unique=False)
        batch_op.create_index("ix_core_customer_mobile", ["mobile"], unique=False)
        batch_op.create_index("ix_core_customer_phone", ["phone"], unique=False)
        batch_op.create_index(batch_op.f("ix_core_customer_subject_id"), ["subject_id"], unique=False)

    op.create_table(
        "core_data_officer_absence",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("officer_id", sa.Integer(), nullable=False),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("until_on", sa.Date(), nullable=False),
        sa.Column("recorded_by", sa.Integer(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("until_on >= from_on", name=op.f("ck_core_data_officer_absence_order")),
        sa.ForeignKeyConstraint(
            ["officer_id"], ["core_data_officer.id"], name=op.f("fk_core_data_officer_absence_officer_id")
        ),
        sa.ForeignKeyConstraint(
            ["recorded_by"], ["core_user.id"], name=op.f("fk_core_data_officer_absence_recorded_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_data_officer_absence")),
    )
    with op.batch_alter_table("core_data_officer_absence", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_core_data_officer_absence_officer_id"), ["officer_id"], unique=False)

    op.create_table(
        "core_finance_re_export",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("batch_id", sa.Integer(), nullable=False),
        sa.Column("exported_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("exported_by", sa.Integer(), nullable=True),
        sa.Column("label", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["core_finance_batch.id"], name=op.f("fk_core_finance_re_export_batch_id")
        ),
        sa.ForeignKeyConstraint(["exported_by"], ["core_user.id"], name=op.f("fk_core_finance_re_export_exported_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_finance_re_export")),
    )
    with op.batch_alter_table("core_finance_re_export", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_core_finance_re_export_batch_id"), ["batch_id"], unique=False)

    op.create_table(
        "core_import_line",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("import_id", sa.Integer(), nullable=False),
        sa.Column("line_no", sa.Integer(), nullable=False),
        sa.Column("cells", JSON, nullable=False),
        sa.Column("outcome", sa.String(length=20), nullable=False),
        sa.Column("reasons", JSON, nullable=True),
        sa.Column("target_id", sa.Integer(), nullable=True),
        sa.Column("applied", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "outcome IN ('staged', 'create', 'update', 'duplicate', 'refused')",
            name=op.f("ck_core_import_line_outcome"),
        ),
        sa.ForeignKeyConstraint(["import_id"], ["core_import.id"], name=op.f("fk_core_import_line_import_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_import_line")),
        sa.UniqueConstraint("import_id", "line_no", name=op.f("uq_core_import_line_import_id_line_no")),
    )
    with op.batch_alter_table("core_import_line", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_core_import_line_import_id_outcome_line_no"),
            ["import_id", "outcome", "line_no"],
            unique=False,
        )

    op.create_table(
        "core_report_sending",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("roles", sa.String(length=500), nullable=False),
        sa.Column("told", sa.Integer(), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_by", sa.Integer(), nullable=True),
        sa.Column("sent_by_label", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["core_report_run.id"], name=op.f("fk_core_report_sending_run_id")),
        sa.ForeignKeyConstraint(["sent_by"], ["core_user.id"], name=op.f("fk_core_report_sending_sent_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_report_sending")),
    )
    with op.batch_alter_table("core_report_sending", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_core_report_sending_run_id"), ["run_id"], unique=False)

    op.create_table(
        "core_step_task",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=300), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("operation_key", sa.String(length=80), nullable=True),
        sa.ForeignKeyConstraint(["run_id"], ["core_step_run.id"], name=op.f("fk_core_step_task_run_id")),
        sa.ForeignKeyConstraint(["user_id"], ["core_user.id"], name=op.f("fk_core_step_task_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_step_task")),
        sa.UniqueConstraint("operation_key", name=op.f("uq_core_step_task_operation_key")),
    )
    with op.batch_alter_table("core_step_task", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_core_step_task_run_id"), ["run_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_core_step_task_user_id"), ["user_id"], unique=False)

    op.create_table(
        "core_customer_alias",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=80), nullable=False),
        sa.Column("form_id", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["core_customer.id"], name=op.f("fk_core_customer_alias_customer_id")),
        sa.ForeignKeyConstraint(["form_id"], ["core_customer_form.id"], name=op.f("fk_core_customer_alias_form_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_customer_alias")),
        sa.UniqueConstraint("number", name=op.f("uq_core_customer_alias_number")),
    )
    with op.batch_alter_table("core_customer_alias", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_core_customer_alias_customer_id"), ["customer_id"], unique=False)

    op.create_table(
        "core_customer_form_line",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("form_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("action", sa.String(length=6), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=True),
        sa.Column("subject_id", sa.String(length=36), nullable=False),
        sa.Column("reference", sa.String(length=80), nullable=True),
        sa.Column("name_key", sa.String(length=300), nullable=False),
        sa.Column("base", JSON, nullable=True),
        sa.Column("name", sa.String(length=300), nullable=False),
        sa.Column("customer_class", sa.String(length=20), nullable=False),
        sa.Column("other_detail", sa.String(length=200), nullable=True),
        sa.Column("address", sa.String(length=500), nullable=True),
        sa.Column("city_id", sa.Integer(), nullable=True),
        sa.Column("centre_id", sa.Integer(), nullable=True),
        sa.Column("phone", sa.String(length=20), nullable=True),
        sa.Column("mobile", sa.String(length=20), nullable=True),
        sa.Column("email", sa.String(length=254), nullable=True),
        sa.Column("contact_channel", sa.String(length=20), nullable=True),
        sa.Column("department_id", sa.Integer(), nullable=True),
        sa.Column("registration_origin", sa.String(length=20), nullable=True),
        sa.Column("remarks", sa.Text(), nullable=True),
        sa.Column("extra", JSON, nullable=True),
        sa.CheckConstraint("action IN ('create', 'update')", name=op.f("ck_core_customer_form_line_action")),
        sa.ForeignKeyConstraint(["centre_id"], ["core_centre.id"], name=op.f("fk_core_customer_form_line_centre_id")),
        sa.ForeignKeyConstraint(["city_id"], ["core_city.id"], name=op.f("fk_core_customer_form_line_city_id")),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["core_customer.id"], name=op.f("fk_core_customer_form_line_customer_id")
        ),
        sa.ForeignKeyConstraint(
            ["department_id"], ["core_department.id"], name=op.f("fk_core_customer_form_line_department_id")
        ),
        sa.ForeignKeyConstraint(
            ["form_id"], ["core_customer_form.id"], name=op.f("fk_core_customer_form_line_form_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_customer_form_line")),
        sa.UniqueConstraint("form_id", "position", name=op.f("uq_core_customer_form_line_form_id_position")),
    )
    with op.batch_alter_table("core_customer_form_line", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_core_customer_form_line_customer_id"), ["customer_id"], unique=False)
        batch_op.create_index(
            "ix_core_customer_form_line_open_mobile",
            ["mobile"],
            unique=False,
            sqlite_where=sa.text("state = 'open'"),
            postgresql_where=sa.text("state = 'open'"),
        )
        batch_op.create_index(
            "ix_core_customer_form_line_open_name",
            ["name_key"],
            unique=False,
            sqlite_where=sa.text("state = 'open'"),
            postgresql_where=sa.text("state = 'open'"),
        )
        batch_op.create_index(batch_op.f("ix_core_customer_form_line_reference"), ["reference"], unique=False)

    op.create_table(
        "core_customer_influence",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("influencer_id", sa.Integer(), nullable=True),
        sa.Column("influencer_name", sa.String(length=300), nullable=True),
        sa.Column("kind", sa.String(length=100), nullable=False),
        sa.Column("subject_id", sa.String(length=36), nullable=False),
        sa.CheckConstraint(
            "(influencer_id IS NULL) <> (influencer_name IS NULL)",
            name=op.f("ck_core_customer_influence_customer_or_name"),
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["core_customer.id"], name=op.f("fk_core_customer_influence_customer_id")
        ),
        sa.ForeignKeyConstraint(
            ["influencer_id"], ["core_customer.id"], name=op.f("fk_core_customer_influence_influencer_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_customer_influence")),
    )
    with op.batch_alter_table("core_customer_influence", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_core_customer_influence_customer_id"), ["customer_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_core_customer_influence_influencer_id"), ["influencer_id"], unique=False)

    op.create_table(
        "core_customer_search",
        sa.Column("customer_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("open_text", sa.Text(), nullable=False),
        sa.Column("personal_text", sa.Text(), nullable=False),
        sa.Column("name_key", sa.String(length=300), nullable=False),
        sa.Column("email_key", sa.String(length=254), nullable=True),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["core_customer.id"], name=op.f("fk_core_customer_search_customer_id")
        ),
        sa.PrimaryKeyConstraint("customer_id", name=op.f("pk_core_customer_search")),
    )
    with op.batch_alter_table("core_customer_search", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_core_customer_search_email_key"), ["email_key"], unique=False)
        batch_op.create_index(batch_op.f("ix_core_customer_search_name_key"), ["name_key"], unique=False)

    op.create_table(
        "core_customer_state",
        sa.Column("customer_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("confirmed_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["confirmed_by"], ["core_user.id"], name=op.f("fk_core_customer_state_confirmed_by")),
        sa.ForeignKeyConstraint(["customer_id"], ["core_customer.id"], name=op.f("fk_core_customer_state_customer_id")),
        sa.PrimaryKeyConstraint("customer_id", name=op.f("pk_core_customer_state")),
    )
    with op.batch_alter_table("core_customer_state", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_core_customer_state_confirmed_at"), ["confirmed_at"], unique=False)

    op.create_table(
        "core_pledge",
        sa.Column("promised_on", sa.Date(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancel_reason", sa.String(length=500), nullable=True),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("subject_id", sa.String(length=36), nullable=False),
        sa.Column("programme_id", sa.Integer(), nullable=True),
        sa.Column("fund_id", sa.Integer(), nullable=True),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("reference", sa.String(length=120), nullable=False),
        sa.Column("memo", sa.String(length=500), nullable=True),
        sa.Column("source", sa.String(length=20), nullable=False),
        sa.Column("source_name", sa.String(length=300), nullable=True),
        sa.Column("imported", sa.Boolean(), nullable=False),
        sa.Column("lacks", JSON, nullable=True),
        sa.Column("operation_key", sa.String(length=80), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.Integer(), nullable=True),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_core_pledge_positive")),
        sa.ForeignKeyConstraint(["customer_id"], ["core_customer.id"], name=op.f("fk_core_pledge_customer_id")),
        sa.ForeignKeyConstraint(["fund_id"], ["core_fund.id"], name=op.f("fk_core_pledge_fund_id")),
        sa.ForeignKeyConstraint(["programme_id"], ["core_programme.id"], name=op.f("fk_core_pledge_programme_id")),
        sa.ForeignKeyConstraint(["recorded_by"], ["core_user.id"], name=op.f("fk_core_pledge_recorded_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_pledge")),
        sa.UniqueConstraint("operation_key", name=op.f("uq_core_pledge_operation_key")),
        sa.UniqueConstraint("reference", name=op.f("uq_core_pledge_reference")),
    )
    with op.batch_alter_table("core_pledge", schema=None) as batch_op:
        batch_op.create_index("ix_core_pledge_customer_id_promised_on", ["customer_id", "promised_on"], unique=False)
        batch_op.create_index(batch_op.f("ix_core_pledge_fund_id"), ["fund_id"], unique=False)
        batch_op.create_index("ix_core_pledge_programme_id_promised_on", ["programme_id", "promised_on"], unique=False)
        batch_op.create_index("ix_core_pledge_promised_on_id", ["promised_on", "id"], unique=False)

    op.create_table(
        "core_contribution",
        sa.Column("received_on", sa.Date(), nullable=False),
        sa.Column("method", sa.String(length=20), nullable=False),
        sa.Column("refund_of_id", sa.Integer(), nullable=True),
        sa.Column("pledge_id", sa.Integer(), nullable=True),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("subject_id", sa.String(length=36), nullable=False),
        sa.Column("programme_id", sa.Integer(), nullable=True),
        sa.Column("fund_id", sa.Integer(), nullable=True),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("reference", sa.String(length=120), nullable=False),
        sa.Column("memo", sa.String(length=500), nullable=True),
        sa.Column("source", sa.String(length=20), nullable=False),
        sa.Column("source_name", sa.String(length=300), nullable=True),
        sa.Column("imported", sa.Boolean(), nullable=False),
        sa.Column("lacks", JSON, nullable=True),
        sa.Column("operation_key", sa.String(length=80), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.Integer(), nullable=True),
        sa.CheckConstraint("amount_minor <> 0", name=op.f("ck_core_contribution_not_nothing")),
        sa.CheckConstraint(
            "refund_of_id IS NULL OR amount_minor < 0", name=op.f("ck_core_contribution_refund_negative")
        ),
        sa.ForeignKeyConstraint(["customer_id"], ["core_customer.id"], name=op.f("fk_core_contribution_customer_id")),
        sa.ForeignKeyConstraint(["fund_id"], ["core_fund.id"], name=op.f("fk_core_contribution_fund_id")),
        sa.ForeignKeyConstraint(["pledge_id"], ["core_pledge.id"], name=op.f("fk_core_contribution_pledge_id")),
        sa.ForeignKeyConstraint(
            ["programme_id"], ["core_programme.id"], name=op.f("fk_core_contribution_programme_id")
        ),
        sa.ForeignKeyConstraint(["recorded_by"], ["core_user.id"], name=op.f("fk_core_contribution_recorded_by")),
        sa.ForeignKeyConstraint(
            ["refund_of_id"], ["core_contribution.id"], name=op.f("fk_core_contribution_refund_of_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_contribution")),
        sa.UniqueConstraint("operation_key", name=op.f("uq_core_contribution_operation_key")),
        sa.UniqueConstraint("reference", name=op.f("uq_core_contribution_reference")),
    )
    with op.batch_alter_table("core_contribution", schema=None) as batch_op:
        batch_op.create_index(
            "ix_core_contribution_customer_id_received_on", ["customer_id", "received_on"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_core_contribution_fund_id"), ["fund_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_core_contribution_pledge_id"), ["pledge_id"], unique=False)
        batch_op.create_index(
            "ix_core_contribution_programme_id_received_on", ["programme_id", "received_on"], unique=False
        )
        batch_op.create_index("ix_core_contribution_received_on_id", ["received_on", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_core_contribution_refund_of_id"), ["refund_of_id"], unique=False)

    op.create_table(
        "core_finance_batch_row",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("batch_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("live", sa.Boolean(), nullable=False),
        sa.Column("contribution_id", sa.Integer(), nullable=True),
        sa.Column("pledge_id", sa.Integer(), nullable=True),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("on_date", sa.Date(), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("reference", sa.String(length=120), nullable=False),
        sa.Column("programme", sa.String(length=300), nullable=False),
        sa.Column("fund", sa.String(length=60), nullable=False),
        sa.Column("fund_name", sa.String(length=200), nullable=False),
        sa.Column("method", sa.String(length=20), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("memo", sa.String(length=500), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.CheckConstraint(
            "(contribution_id IS NULL) <> (pledge_id IS NULL)", name=op.f("ck_core_finance_batch_row_one_source")
        ),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["core_finance_batch.id"], name=op.f("fk_core_finance_batch_row_batch_id")
        ),
        sa.ForeignKeyConstraint(
            ["contribution_id"], ["core_contribution.id"], name=op.f("fk_core_finance_batch_row_contribution_id")
        ),
        sa.ForeignKeyConstraint(["pledge_id"], ["core_pledge.id"], name=op.f("fk_core_finance_batch_row_pledge_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_finance_batch_row")),
        sa.UniqueConstraint("batch_id", "position", name=op.f("uq_core_finance_batch_row_batch_id_position")),
    )
    with op.batch_alter_table("core_finance_batch_row", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_core_finance_batch_row_contribution_id"), ["contribution_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_core_finance_batch_row_pledge_id"), ["pledge_id"], unique=False)
        batch_op.create_index(
            "uq_core_finance_batch_row_contribution",
            ["contribution_id"],
            unique=True,
            sqlite_where=sa.text("live = 1 AND contribution_id IS NOT NULL"),
            postgresql_where=sa.text("live AND contribution_id IS NOT NULL"),
        )
        batch_op.create_index(
            "uq_core_finance_batch_row_pledge",
            ["pledge_id"],
            unique=True,
            sqlite_where=sa.text("live = 1 AND pledge_id IS NOT NULL"),
            postgresql_where=sa.text("live AND pledge_id IS NOT NULL"),
        )

    op.create_table(
        "core_finance_movement",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=80), nullable=False),
        sa.Column("reference", sa.String(length=120), nullable=False),
        sa.Column("booked_on", sa.Date(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=True),
        sa.Column("contribution_id", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("source_name", sa.String(length=300), nullable=True),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("state IN ('matched', 'differs', 'unmatched')", name=op.f("ck_core_finance_movement_state")),
        sa.ForeignKeyConstraint(
            ["contribution_id"], ["core_contribution.id"], name=op.f("fk_core_finance_movement_contribution_id")
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["core_customer.id"], name=op.f("fk_core_finance_movement_customer_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_finance_movement")),
        sa.UniqueConstraint(
            "number", "reference", "booked_on", "amount_minor", "currency", name="uq_core_finance_movement_same"
        ),
    )
    with op.batch_alter_table("core_finance_movement", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_core_finance_movement_contribution_id"), ["contribution_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_core_finance_movement_customer_id"), ["customer_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_core_finance_movement_reference"), ["reference"], unique=False)
        batch_op.create_index("ix_core_finance_movement_state_id", ["state", "id"], unique=False)



def downgrade() -> None:
    with op.batch_alter_table("core_finance_movement", schema=None) as batch_op:
        batch_op.drop_index("ix_core_finance_movement_state_id")
        batch_op.drop_index(batch_op.f("ix_core_finance_movement_reference"))
        batch_op.drop_index(batch_op.f("ix_core_finance_movement_customer_id"))
        batch_op.drop_index(batch_op.f("ix_core_finance_movement_contribution_id"))

    op.drop_table("core_finance_movement")
    with op.batch_alter_table("core_finance_batch_row", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_core_finance_batch_row_pledge",
            sqlite_where=sa.text("live = 1 AND pledge_id IS NOT NULL"),
            postgresql_where=sa.text("live AND pledge_id IS NOT NULL"),
        )
        batch_op.drop_index(
            "uq_core_finance_batch_row_contribution",
            sqlite_where=sa.text("live = 1 AND contribution_id IS NOT NULL"),
            postgresql_where=sa.text("live AND contribution_id IS NOT NULL"),
        )
        batch_op.drop_index(batch_op.f("ix_core_finance_batch_row_pledge_id"))
        batch_op.drop_index(batch_op.f("ix_core_finance_batch_row_contribution_id"))

    op.drop_table("core_finance_batch_row")
    with op.batch_alter_table("core_contribution", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_core_contribution_refund_of_id"))
        batch_op.drop_index("ix_core_contribution_received_on_id")
        batch_op.drop_index("ix_core_contribution_programme_id_received_on")
        batch_op.drop_index(batch_op.f("ix_core_contribution_pledge_id"))
        batch_op.drop_index(batch_op.f("ix_core_contribution_fund_id"))
        batch_op.drop_index("ix_core_contribution_customer_id_received_on")

    op.drop_table("core_contribution")
    with op.batch_alter_table("core_pledge", schema=None) as batch_op:
        batch_op.drop_index("ix_core_pledge_promised_on_id")
        batch_op.drop_index("ix_core_pledge_programme_id_promised_on")
        batch_op.drop_index(batch_op.f("ix_core_pledge_fund_id"))
        batch_op.drop_index("ix_core_pledge_customer_id_promised_on")

    op.drop_table("core_pledge")
    with op.batch_alter_table("core_customer_state", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_core_customer_state_confirmed_at"))

    op.drop_table("core_customer_state")
    with op.batch_alter_table("core_customer_search", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_core_customer_search_name_key"))
        batch_op.drop_index(batch_op.f("ix_core_customer_search_email_key"))

    op.drop_table("core_customer_search")
    with op.batch_alter_table("core_customer_influence", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_core_customer_influence_influencer_id"))
        batch_op.drop_index(batch_op.f("ix_core_customer_influence_customer_id"))

    op.drop_table("core_customer_influence")
    with op.batch_alter_table("core_customer_form_line", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_core_customer_form_line_reference"))
        batch_op.drop_index(
            "ix_core_customer_form_line_open_name",
            sqlite_where=sa.text("state = 'open'"),
            postgresql_where=sa.text("state = 'open'"),
        )
        batch_op.drop_index(
            "ix_core_customer_form_line_open_mobile",
            sqlite_where=sa.text("state = 'open'"),
            postgresql_where=sa.text("state = 'open'"),
        )
        batch_op.drop_index(batch_op.f("ix_core_customer_form_line_customer_id"))

    op.drop_table("core_customer_form_line")
    with op.batch_alter_table("core_customer_alias", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_core_customer_alias_customer_id"))

    op.drop_table("core_customer_alias")
    with op.batch_alter_table("core_step_task", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_core_step_task_user_id"))
        batch_op.drop_index(batch_op.f("ix_core_step_task_run_id"))

    op.drop_table("core_step_task")
    with op.batch_alter_table("core_report_sending", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_core_report_sending_run_id"))

    op.drop_table("core_report_sending")
    with op.batch_alter_table("core_import_line", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_core_import_line_import_id_outcome_line_no"))

    op.drop_table("core_import_line")
    with op.batch_alter_table("core_finance_re_export", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_core_finance_re_export_batch_id"))

    op.drop_table("core_finance_re_export")
    with op.batch_alter_table("core_data_officer_absence", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_core_data_officer_absence_officer_id"))

    op.drop_table("core_data_officer_absence")
    with op.batch_alter_table("core_customer", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_core_customer_subject_id"))
        batch_op.drop_index("ix_core_customer_phone")
        batch_op.drop_index("ix_core_customer_mobile")
        batch_op.drop_index(batch_op.f("ix_core_customer_form_id"))
        batch_op.drop_index("ix_core_customer_department_id_id")
        batch_op.drop_index("ix_core_customer_customer_class_id")
        batch_op.drop_index("ix_core_customer_created_at")
        batch_op.drop_index("ix_core_customer_city_id_id")
        batch_op.drop_index("ix_core_customer_changed_at_id")
        batch_op.drop_index("ix_core_customer_centre_id_id")

    op.drop_table("core_customer")
    with op.batch_alter_table("core_user_session", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_core_user_session_user_id"))

    op.drop_table("core_user_session")
    with op.batch_alter_table("core_user_role", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_core_user_role_user_id"))

    op.drop_table("core_user_role")
    with op.batch_alter_table("core_user_centre", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_core_user_centre_user_id"))

    op.drop_table("core_user_centre")
    with op.batch_alter_table("core_step_run", schema=None) as batch_op:
        batch_op.drop_index("uq_core_step_run_period")
        batch_op.drop_index("ix_core_step_run_record")
        batch_op.drop_index("ix_core_step_run_procedure")
        batch_op.drop_index(
            "ix_core_step_run_open",
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )
        batch_op.drop_index("ix_core_step_run_customer")

    op.drop_table("core_step_run")
    with op.batch_alter_table("core_report_run", schema=None) as batch_op:
        batch_op.drop_index("ix_core_report_run_report")
        batch_op.drop_index(batch_op.f("ix_core_report_run_centre_id"))

    op.drop_table("core_report_run")
    with op.batch_alter_table("core_recovery_code", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_core_recovery_code_user_id"))

    op.drop_table("core_recovery_code")
    with op.batch_alter_table("core_recommendation", schema=None) as batch_op:
        batch_op.drop_index("ix_core_recommendation_state")
        batch_op.drop_index("ix_core_recommendation_record")
        batch_op.drop_index(batch_op.f("ix_core_recommendation_raised_by_id"))
        batch_op.drop_index(batch_op.f("ix_core_recommendation_plugin"))
        batch_op.drop_index("ix_core_recommendation_period")
        batch_op.drop_index(batch_op.f("ix_core_recommendation_done_by_id"))
        batch_op.drop_index(batch_op.f("ix_core_recommendation_department_id"))
        batch_op.drop_index(batch_op.f("ix_core_recommendation_decided_by_id"))

    op.drop_table("core_recommendation")
    with op.batch_alter_table("core_programme", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_core_programme_centre_id"))

    op.drop_table("core_programme")
    with op.batch_alter_table("core_one_time_link", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_core_one_time_link_user_id"))

    op.drop_table("core_one_time_link")
    with op.batch_alter_table("core_lost_factor", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_core_lost_factor_user_id"))

    op.drop_table("core_lost_factor")
    with op.batch_alter_table("core_import", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_core_import_sha256"))

    op.drop_table("core_import")
    op.drop_table("core_finance_batch")
    with op.batch_alter_table("core_file", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_core_file_record_type_record_id"))

    op.drop_table("core_file")
    with op.batch_alter_table("core_delegation", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_core_delegation_to_user_id"))
        batch_op.drop_index(batch_op.f("ix_core_delegation_from_user_id"))

    op.drop_table("core_delegation")
    with op.batch_alter_table("core_data_officer", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_core_data_officer_kind_now",
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )
        batch_op.drop_index(batch_op.f("ix_core_data_officer_user_id"))

    op.drop_table("core_data_officer")
    with op.batch_alter_table("core_customer_form", schema=None) as batch_op:
        batch_op.drop_index("ix_core_customer_form_state_id")
        batch_op.drop_index(batch_op.f("ix_core_customer_form_made_by"))

    op.drop_table("core_customer_form")
    op.drop_table("core_user")
    with op.batch_alter_table("core_step_period", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_core_step_period_department_id"))

    op.drop_table("core_step_period")
    op.drop_table("core_role_permission")
    op.drop_table("core_procedure_step_version")
    with op.batch_alter_table("core_centre", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_core_centre_city_id"))

    op.drop_table("core_centre")
    with op.batch_alter_table("core_branch", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_core_branch_city_id"))

    op.drop_table("core_branch")
    op.drop_table("core_worker_beat")
    op.drop_table("core_void_range")
    with op.batch_alter_table("core_subject_key", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_core_subject_key_adopted_by"))

    op.drop_table("core_subject_key")
    op.drop_table("core_setting")
    op.drop_table("core_role")
    with op.batch_alter_table("core_procedure", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_core_procedure_plugin"))

    op.drop_table("core_procedure")
    op.drop_table("core_plugin_selection")
    op.drop_table("core_optional_field")
    with op.batch_alter_table("core_notice", schema=None) as batch_op:
        batch_op.drop_index("ix_core_notice_user")

    op.drop_table("core_notice")
    with op.batch_alter_table("core_mail", schema=None) as batch_op:
        batch_op.drop_index("ix_core_mail_state")

    op.drop_table("core_mail")
    op.drop_table("core_login_attempts")
    with op.batch_alter_table("core_job", schema=None) as batch_op:
        batch_op.drop_index("ix_core_job_state_due_at")
        batch_op.drop_index(batch_op.f("ix_core_job_name"))

    op.drop_table("core_job")
    op.drop_table("core_import_mapping")
    op.drop_table("core_fund")
    op.drop_table("core_department")
    op.drop_table("core_counter")
    with op.batch_alter_table("core_city", schema=None) as batch_op:
        batch_op.drop_index("ix_core_city_name_key")
        batch_op.drop_index("ix_core_city_active_name_ar")

    op.drop_table("core_city")
    op.drop_table("core_authority")
    with op.batch_alter_table("core_audit_event", schema=None) as batch_op:
        batch_op.drop_index("ix_core_audit_event_record")
        batch_op.drop_index("ix_core_audit_event_plugin")
        batch_op.drop_index("ix_core_audit_event_label")
        batch_op.drop_index(batch_op.f("ix_core_audit_event_at"))
        batch_op.drop_index("ix_core_audit_event_actor")
        batch_op.drop_index("ix_core_audit_event_action")

    op.drop_table("core_audit_event")
    op.drop_table("core_audit_block")
