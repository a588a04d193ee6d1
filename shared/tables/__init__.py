"""Every table of the house, one file per owner. Importing this package makes the metadata whole."""

from shared.tables.attachments import attachments, ticket_attachments
from shared.tables.base import metadata
from shared.tables.closing import closing_policies
from shared.tables.commitments import (
    campaign_places,
    campaigns,
    checklists,
    indicator_readings,
    indicators,
    milestones,
    undertaking_records,
    undertaking_tickets,
    undertakings,
)
from shared.tables.console import api_keys, calendar_days, streets
from shared.tables.identity import (
    consents,
    content_checks,
    resident_links,
    resident_phones,
    resident_sessions,
    sign_outs,
    wechat_accounts,
    wechat_unions,
)
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
from shared.tables.joint import (
    deliberation_tickets,
    deliberations,
    forward_answers,
    forwards,
    resolutions,
    slip_answers,
    whistle_steps,
    whistles,
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
from shared.tables.notices import (
    group_posts,
    notice_attempts,
    notice_lines,
    notice_reads,
    notice_sends,
    notices,
    subscription_grants,
)
from shared.tables.outbox import audit_log, deliveries, events, idempotency_keys
from shared.tables.points import point_rules, points
from shared.tables.privacy import disclosures, reporter_blocks
from shared.tables.registry import (
    area_boundaries,
    buildings,
    categories,
    category_versions,
    channel_policies,
    clock_policies,
    communities,
    crews,
    duty_shifts,
    grid_boundaries,
    grids,
    local_days,
    registry_changes,
    responsibles,
    sponsors,
    staff,
    staff_posts,
    stations,
    units,
)
from shared.tables.routing import (
    classifier_models,
    handover_slips,
    parts,
    routing_rule_states,
    routing_rules,
    ticket_states,
    transitions,
)
from shared.tables.supervision import (
    inspection_findings,
    inspection_items,
    inspection_reports,
    inspection_rounds,
    meeting_items,
    meeting_resolutions,
    meetings,
    resolution_reports,
    revisit_draws,
    revisit_items,
    revisit_results,
    supervision_groups,
    supervision_members,
    supervision_orders,
    supervision_policies,
    supervision_replies,
    unit_evaluations,
)

__all__ = [
    "ATTRIBUTES", "DIMENSIONS", "FLAGS", "FLAG_BITS", "MEASURES", "api_keys", "area_boundaries",
    "assessment_calendars", "attachments", "audit_log", "books", "buildings", "bulletin_corrections",
    "bulletin_figures", "bulletins", "calendar_days", "campaign_places", "campaigns", "categories",
    "category_versions", "channel_policies", "checklists", "classifier_models", "clock_policies",
    "closing_policies", "communities", "consents", "content_checks", "crews", "deliberation_tickets",
    "deliberations", "deliveries", "disclosures", "duty_shifts", "events", "forward_answers", "forwards",
    "grid_boundaries", "grids", "group_posts", "handover_slips", "idempotency_keys", "import_errors",
    "import_files", "import_rows", "imports", "indicator_readings", "indicators", "inspection_findings",
    "inspection_items", "inspection_reports", "inspection_rounds", "local_days", "meeting_items",
    "meeting_resolutions", "meetings", "metadata", "milestones", "notice_attempts", "notice_lines",
    "notice_reads", "notice_sends", "notices", "number_counters", "parts", "petitions", "point_rules",
    "points", "ratings", "registry_changes", "reporter_blocks", "resident_links", "resident_phones",
    "resident_sessions", "residents", "resolution_reports", "resolutions", "responsibles", "revisit_draws",
    "revisit_items", "revisit_results", "routing_rule_states", "routing_rules", "sign_outs", "slip_answers",
    "sponsors", "staff", "staff_posts", "stations", "streets", "subscription_grants", "supervision_groups",
    "supervision_members", "supervision_orders", "supervision_policies", "supervision_replies",
    "supplements", "ticket_attachments", "ticket_facts", "ticket_states", "tickets", "totals",
    "transitions", "undertaking_records", "undertaking_tickets", "undertakings", "unit_evaluations",
    "units", "wechat_accounts", "wechat_unions", "whistle_steps", "whistles",
]  # fmt: skip
