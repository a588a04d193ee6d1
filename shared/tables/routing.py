"""Where a ticket stands and who has it."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    Text,
    Uuid,
    text as sql,
)

from shared.lifecycle import FINAL, OPEN
from shared.tables.base import document, instant, tenant_table, text, uuid

_FINAL = ", ".join(f"'{s.value}'" for s in sorted(FINAL))
_OPEN = ", ".join(f"'{s.value}'" for s in sorted(OPEN))

ticket_states = tenant_table(
    "ticket_states",
    "routing",
    uuid("ticket_id", primary_key=True),
    text("number"),
    text("state"),
    Column("version", Integer, nullable=False),
    text("channel"),
    text("kind"),
    text("category_code"),
    # the catalogue it was placed under; empty for tickets older than versions
    Column("catalogue_version", Integer, nullable=True),
    text("community_code", nullable=True),
    text("grid_code", nullable=True),
    text("mode"),
    text("level"),
    # Who must act now, and by when. Never empty while the ticket lives (promise 6).
    text("owner_unit", nullable=True),
    instant("due_at", nullable=True),
    text("lead_unit", nullable=True),
    instant("sign_due_at", nullable=True),
    instant("contact_due_at", nullable=True),
    instant("return_until", nullable=True),
    instant("extension_until", nullable=True),
    Column("due_provisional", Boolean, nullable=False),
    # since when the clock runs (of acceptance, then of handling); empty once a person has set the deadline or a pause has moved it
    instant("clock_from", nullable=True),
    # the limits it was clocked under, and the version of the street's clock policy (empty: the usual one)
    text("sign_limit", nullable=True),
    text("contact_limit", nullable=True),
    text("resolve_limit"),
    Column("clock_policy", Integer, nullable=True),
    # the handling deadline of the first dispatch: what rework and reopening never change
    instant("first_due_at", nullable=True),
    # since when the unit that has it now has it; the signing clock runs from here
    instant("handed_at", nullable=True),
    # by when the reporter must have been called back, once the unit says it is done
    instant("feedback_due_at", nullable=True),
    Column("paused_seconds", BigInteger, nullable=False, server_default=sql("0")),
    Column("extension_count", Integer, nullable=False, server_default=sql("0")),
    # how the handling deadline came about: sentences that a resident understands
    document("due_why", server_default=sql("'[]'")),
    instant("received_at"),
    instant("moved_at"),
    instant("accepted_at", nullable=True),
    instant("dispatched_at", nullable=True),
    instant("signed_at", nullable=True),
    instant("contacted_at", nullable=True),
    instant("handled_at", nullable=True),
    instant("closed_at", nullable=True),
    instant("suspended_at", nullable=True),
    instant("overdue_at", nullable=True),
    text("outcome", nullable=True),
    uuid("merged_into", nullable=True),
    Column("supervised", Boolean, nullable=False),
    Column("return_count", Integer, nullable=False),
    Column("urge_count", Integer, nullable=False),
    # the unit complained about: it neither leads nor helps nor reviews
    text("about_unit", nullable=True),
    Column("tags", ARRAY(Text), nullable=False, server_default=sql("'{}'")),
    # dispatches that came back, returned or recalled; after the third a supervisor designates
    Column("failed_dispatches", Integer, nullable=False, server_default=sql("0")),
    Column("disputed", Boolean, nullable=False, server_default=sql("false")),
    Column("designated", Boolean, nullable=False, server_default=sql("false")),
    # who signed last: responsible until another has signed (首接负责)
    text("responsible_unit", nullable=True),
    uuid("assignee_id", nullable=True),
    # which of the three lists (三级清单) it stands on, if on any
    text("list_level", nullable=True),
    # why this category, grid, unit and deadline: sentences, for people
    document("why"),
    # Supervision: which run of the handling clock this is, since when, urged how often in it, ladder steps behind it
    Column("clock_run", Integer, nullable=False, server_default=sql("0")),
    instant("run_started_at", nullable=True),
    Column("run_urges", Integer, nullable=False, server_default=sql("0")),
    Column("ladder_step", Integer, nullable=False, server_default=sql("0")),
    # how far it has climbed in this run, and when the next step is due (empty: none is)
    text("supervision_level", nullable=True),
    instant("supervise_at", nullable=True),
    # since when it stands on the key ledger (重点督办台账), if it does
    instant("key_since", nullable=True),
    # the persons who worked on it, and who passed it: none of them checks it, and the second approves no special closure
    Column("handler_ids", ARRAY(Uuid), nullable=False, server_default=sql("'{}'")),
    uuid("reviewer_id", nullable=True),
    # of this closing: whose word ends it, what the last call came to, by when the reporter answers
    text("callback_mode", nullable=True),
    text("callback_result", nullable=True),
    instant("confirm_until", nullable=True),
    # a special closure asked for, and by whom
    text("closure_asked", nullable=True),
    uuid("asked_by", nullable=True),
    # when the reporter was told the result; empty on what has ended: an exception (件件有回音)
    instant("answered_at", nullable=True),
    CheckConstraint(f"state in ({_FINAL}, {_OPEN})", name="state"),
    CheckConstraint(
        f"state in ({_FINAL}) or (owner_unit is not null and due_at is not null)", name="owner_and_deadline"
    ),
    CheckConstraint("state <> 'closed' or closed_at is not null", name="closed_at"),
    ForeignKeyConstraint(["street_id", "ticket_id"], ["tickets.street_id", "tickets.id"]),
    ForeignKeyConstraint(["street_id", "owner_unit"], ["units.street_id", "units.code"]),
    ForeignKeyConstraint(["street_id", "lead_unit"], ["units.street_id", "units.code"]),
    ForeignKeyConstraint(["street_id", "about_unit"], ["units.street_id", "units.code"]),
    ForeignKeyConstraint(["street_id", "responsible_unit"], ["units.street_id", "units.code"]),
    Index(
        "ix_ticket_states_unanswered",
        "street_id",
        "return_until",
        postgresql_where=sql("state = 'dispatched'"),
    ),
    Index(
        "ix_ticket_states_assignee",
        "street_id",
        "assignee_id",
        "due_at",
        "ticket_id",
        postgresql_where=sql(f"state in ({_OPEN})"),
    ),
    Index("uq_ticket_states_street_id_number", "street_id", "number", unique=True),
    Index(
        "ix_ticket_states_worklist",
        "street_id",
        "due_at",
        "ticket_id",
        postgresql_where=sql(f"state in ({_OPEN})"),
    ),
    Index(
        "ix_ticket_states_supervise",
        "street_id",
        "supervise_at",
        postgresql_where=sql("supervise_at is not null"),
    ),
    Index(
        "ix_ticket_states_supervised",
        "street_id",
        "due_at",
        "ticket_id",
        postgresql_where=sql(f"state in ({_OPEN}) and supervision_level is not null"),
    ),
    Index(
        "ix_ticket_states_key",
        "street_id",
        "key_since",
        postgresql_where=sql("key_since is not null"),
    ),
    # The ways in which open tickets come into somebody's sight or onto their desk, each in the order of urgency.
    *[
        Index(
            f"ix_ticket_states_{name}",
            "street_id",
            column,
            "due_at",
            "ticket_id",
            postgresql_where=sql(f"state in ({_OPEN})"),
        )
        for name, column in (
            ("owner", "owner_unit"),
            ("lead", "lead_unit"),
            ("community", "community_code"),
            ("grid", "grid_code"),
            ("state", "state"),
        )
    ],
    Index("ix_ticket_states_disputed", "street_id", "due_at", "ticket_id", postgresql_where=sql("disputed")),
    Index(
        "ix_ticket_states_handled", "street_id", "handled_at", postgresql_where=sql("handled_at is not null")
    ),
    Index(
        "ix_ticket_states_unconfirmed",
        "street_id",
        "confirm_until",
        postgresql_where=sql("state = 'callback' and callback_mode = 'reporter'"),
    ),
    Index(
        "ix_ticket_states_untold",
        "street_id",
        "ticket_id",
        postgresql_where=sql(
            "state in ('closed', 'merged', 'redirected', 'rejected') and answered_at is null"
        ),
    ),
)

transitions = tenant_table(
    "transitions",
    "routing",
    uuid("ticket_id", primary_key=True),
    Column("seq", Integer, primary_key=True),
    text("action"),
    text("from_state", nullable=True),
    text("to_state"),
    uuid("actor_id"),
    text("actor_role"),
    text("actor_unit", nullable=True),
    text("reason", nullable=True),
    # what the move brought along, and why the choices were made as they were
    document("data"),
    # How it stood after the move, so that history alone tells every figure of every day.
    instant("due_at", nullable=True),
    instant("sign_due_at", nullable=True),
    instant("contact_due_at", nullable=True),
    text("lead_unit", nullable=True),
    text("category_code"),
    text("community_code", nullable=True),
    text("grid_code", nullable=True),
    text("kind"),
    text("mode"),
    text("level"),
    text("outcome", nullable=True),
    instant("occurred_at"),
    instant("recorded_at"),
    Column("late", Boolean, nullable=False),
    ForeignKeyConstraint(["street_id", "ticket_id"], ["tickets.street_id", "tickets.id"]),
    # What entered and left the key ledger, without reading every move.
    Index(
        "ix_transitions_key",
        "street_id",
        "recorded_at",
        postgresql_where=sql("action in ('list_key', 'unlist_key')"),
    ),
    # Rows come in the order of their recording: finding what was recorded since costs next to nothing.
    Index("ix_transitions_recorded", "street_id", "recorded_at", postgresql_using="brin"),
    append_only=True,
)

# A share in a ticket with its own task, deadline and result: a unit asked to help, whistled for, or given a measure.
# A unit may hold several; the number counts within the ticket.
parts = tenant_table(
    "parts",
    "routing",
    uuid("ticket_id", primary_key=True),
    Column("part", Integer, primary_key=True),
    text("unit_code"),
    text("kind"),
    text("task", nullable=True),
    # who does it on the spot: a team, or a kind of crew of the ticket's grid
    text("crew", nullable=True),
    instant("due_at", nullable=True),
    instant("asked_at"),
    # of a whistle: the line of the history in which it was blown, and by when to be on site
    Column("whistle", Integer, nullable=True),
    instant("report_due_at", nullable=True),
    instant("reported_at", nullable=True),
    # where they reported in: a place and a point (GCJ-02)
    document("reported_from", nullable=True),
    # when it ended: done, or released; empty while it is open
    instant("finished_at", nullable=True),
    Column("released", Boolean, nullable=False, server_default=sql("false")),
    text("result", nullable=True),
    # 1 to 5, each once: the lead of this unit's help, this unit of the lead
    Column("rated_by_lead", Integer, nullable=True),
    Column("rated_by_unit", Integer, nullable=True),
    CheckConstraint("kind in ('assist', 'whistle', 'measure')", name="kind"),
    CheckConstraint("not released or finished_at is not null", name="released"),
    CheckConstraint("rated_by_lead between 1 and 5 and rated_by_unit between 1 and 5", name="rated"),
    ForeignKeyConstraint(["street_id", "ticket_id"], ["tickets.street_id", "tickets.id"]),
    ForeignKeyConstraint(["street_id", "unit_code"], ["units.street_id", "units.code"]),
    Index("ix_parts_open", "street_id", "unit_code", postgresql_where=sql("finished_at is null")),
    Index("ix_parts_unit", "street_id", "unit_code"),
)

# Hand-over slips are numbered per street, one upward step each.
handover_slips = tenant_table(
    "handover_slips",
    "routing",
    Column("slip", BigInteger, primary_key=True),
    uuid("ticket_id"),
    text("from_unit"),
    text("to_unit"),
    text("reason"),
    instant("occurred_at"),
    ForeignKeyConstraint(["street_id", "ticket_id"], ["tickets.street_id", "tickets.id"]),
    Index("ix_handover_slips_ticket", "street_id", "ticket_id"),
    append_only=True,
)

# What a street's own tickets taught: each version of its classifier, at most one in use.
classifier_models = tenant_table(
    "classifier_models",
    "routing",
    Column("version", Integer, primary_key=True, autoincrement=False),
    instant("created_at"),
    # of `weights`: the name people see, and the proof that they are what was trained
    text("sha256"),
    # confirmed tickets of the street; how many were held out, and right with the model before and with this one
    Column("samples", Integer, nullable=False),
    Column("tested", Integer, nullable=False),
    Column("right_before", Integer, nullable=False),
    Column("right_after", Integer, nullable=False),
    Column("weights", LargeBinary, nullable=False),
    Column("active", Boolean, nullable=False),
    Index("uq_classifier_models_active", "street_id", unique=True, postgresql_where=sql("active")),
)

# Who handles what: ordered, each with its validity. A changed rule is a new version; tickets keep the one they went by.
routing_rules = tenant_table(
    "routing_rules",
    "routing",
    text("code", primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("position", Integer, nullable=False),
    Column("valid_from", Date, nullable=False),
    # the last day it is in force
    Column("valid_until", Date, nullable=True),
    document("conditions"),
    document("result"),
    text("note"),
    instant("recorded_at"),
    uuid("recorded_by"),
    CheckConstraint("valid_until is null or valid_from <= valid_until", name="validity"),
    append_only=True,
)

# Whether a rule is switched on; one without a row is. `changed_by` is empty where it switched itself off.
routing_rule_states = tenant_table(
    "routing_rule_states",
    "routing",
    text("code", primary_key=True),
    # the newest version when it was switched
    Column("version", Integer, nullable=False),
    Column("enabled", Boolean, nullable=False),
    text("reason"),
    instant("changed_at"),
    uuid("changed_by", nullable=True),
)
