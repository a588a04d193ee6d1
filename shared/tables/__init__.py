"""Every table of the house, one file per owner. Importing this package makes the metadata whole."""

from shared.tables.base import metadata
from shared.tables.console import api_keys, calendar_days, streets
from shared.tables.intake import (
    import_errors,
    import_files,
    import_rows,
    imports,
    number_counters,
    petitions,
    ratings,
    residents,
    supplements,
    tickets,
)
from shared.tables.metrics import (
    ATTRIBUTES,
    DIMENSIONS,
    FLAG_BITS,
    FLAGS,
    MEASURES,
    assessment_calendars,
    books,
    bulletin_corrections,
    bulletin_figures,
    bulletins,
    ticket_facts,
    totals,
)
from shared.tables.outbox import audit_log, deliveries, events, idempotency_keys
from shared.tables.routing import (
    categories,
    channel_policies,
    communities,
    grids,
    handover_slips,
    parts,
    routing_rule_states,
    routing_rules,
    staff,
    ticket_states,
    transitions,
    units,
)

__all__ = [
    "ATTRIBUTES", "DIMENSIONS", "FLAGS", "FLAG_BITS", "MEASURES", "api_keys", "assessment_calendars", "audit_log", "books",
    "bulletin_corrections", "bulletin_figures", "bulletins", "calendar_days", "categories",
    "channel_policies", "communities", "deliveries", "events", "grids", "handover_slips", "idempotency_keys",
    "import_errors", "import_files", "import_rows", "imports",
    "metadata", "number_counters", "parts", "petitions", "ratings", "residents", "routing_rule_states", "routing_rules", "staff", "streets",
    "supplements", "ticket_facts", "ticket_states", "tickets", "totals", "transitions", "units",
]  # fmt: skip
