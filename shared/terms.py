"""The closed vocabularies of the field, each with its Chinese: what an enum `x` shows as `x_text`.

Sources: design section 2; kinds after the wording of the Beijing ordinance (咨询/求助/投诉/举报/建议)
plus 表扬; outcomes and roles after the design. State and action names live in `shared.lifecycle`.
"""

import re
from enum import StrEnum
from typing import Self

# What a ticket's number may be made of: it stands in addresses, and ledgers bring their own with Chinese in them.
TICKET_NUMBER = re.compile(r"^[0-9A-Za-z_\-\u3007\u3400-\u4dbf\u4e00-\u9fff]{1,40}$")


class Term(StrEnum):
    """A member is its English code; `.text` is what people read."""

    text: str

    def __new__(cls, code: str, text: str = "") -> Self:
        member = str.__new__(cls, code)
        member._value_ = code
        member.text = text
        return member


class Role(Term):
    RESIDENT = "resident", "居民"
    CLERK = "clerk", "受理员"
    DISPATCHER = "dispatcher", "派单员"
    GRID_WORKER = "grid_worker", "网格员"
    COMMUNITY = "community", "社区工作者"
    UNIT = "unit", "承办人员"
    SUPERVISOR = "supervisor", "督办员"
    CALLBACK_CLERK = "callback_clerk", "回访员"
    LEADER = "leader", "街道领导"
    ADMIN = "admin", "管理员"
    AUDITOR = "auditor", "审计员"
    SCRIPT = "script", "脚本"  # an API key acting
    SYSTEM = "system", "系统"  # automatic moves, never a token


class Scope(Term):
    TICKETS_WRITE = "tickets:write", "登记诉求"
    IMPORT_WRITE = "import:write", "导入台账"
    METRICS_READ = "metrics:read", "读取指标"
    LEDGER_READ = "ledger:read", "读取台账"


class Channel(Term):
    MINI_PROGRAM = "mini_program", "小程序"
    HOTLINE = "hotline", "12345热线"
    PHONE = "phone", "街道电话"
    WINDOW = "window", "窗口来访"
    LETTER = "letter", "来信"
    WEB = "web", "网站"
    PATROL = "patrol", "网格巡查"
    VISIT = "visit", "入户走访"
    FORUM = "forum", "座谈会"
    SURVEY = "survey", "问卷调查"
    GROUP_TOPIC = "group_topic", "群话题"
    LEADER = "leader", "领导批示"
    MEDIA = "media", "媒体曝光"
    LEDGER = "ledger", "台账补录"
    COMMITMENT = "commitment", "目标清单"  # promised by the street itself: its plan is its deadline


class Kind(Term):
    CONSULTATION = "consultation", "咨询"
    HELP = "help", "求助"
    COMPLAINT = "complaint", "投诉"
    TIPOFF = "tipoff", "举报"
    SUGGESTION = "suggestion", "建议"
    PRAISE = "praise", "表扬"


class Outcome(Term):
    RESOLVED = "resolved", "已解决"
    PARTLY = "partly", "部分解决"
    EXPLAINED = "explained", "解释说明"
    BEYOND_LEVEL = "beyond_level", "超出本级权限"
    TRANSFERRED = "transferred", "移交"
    DEFERRED = "deferred", "延后办理"


class Mode(Term):
    QUICK = "quick", "快办"
    NORMAL = "normal", "普通"
    URGENT = "urgent", "紧急"
    JOINT = "joint", "联办"


class Level(Term):
    GRID = "grid", "网格"
    COMMUNITY = "community", "社区"
    STREET = "street", "街道"
    DISTRICT = "district", "区"


class AreaKind(Term):
    """The areas of a city, each within the one before it (domain 4.3)."""

    CITY = "city", "市"
    DISTRICT = "district", "区"
    STREET = "street", "街道"
    COMMUNITY = "community", "社区"
    GRID = "grid", "网格"
    BUILDING = "building", "楼栋"


class GridKind(Term):
    RESIDENTIAL = "residential", "居民网格"
    SPECIAL = "special", "专属网格"


class UnitKind(Term):
    """What kind of body a unit is: administration, law enforcement and society all handle requests."""

    DISTRICT = "district", "区级平台"
    DESK = "desk", "街道派单台"
    OFFICE = "office", "街道科室"
    COMMUNITY = "community", "居委会"
    PARTY_BRANCH = "party_branch", "党组织"
    DEPARTMENT = "department", "区职能部门"
    AGENCY = "agency", "派驻执法机构"
    COMPANY = "company", "公用企业"
    PROPERTY = "property", "物业企业"
    PARTNER = "partner", "红色合伙人"
    TEAM = "team", "专班队伍"
    INSTITUTE = "institute", "所"
    STATION = "station", "站"
    VOLUNTEERS = "volunteers", "志愿服务队"
    CO_BUILDER = "co_builder", "共建单位"
    IMPORTED = "imported", "台账补录"  # named by a ledger: nobody has said yet what it is


class CrewKind(Term):
    """Who works in a grid together; the first three are the teams of party building."""

    PARTY_BACKBONE = "party_backbone", "骨干党员"
    SENT_CADRE = "sent_cadre", "下沉干部"
    VOLUNTEER = "volunteer", "群众志愿者"
    CITY_MANAGEMENT = "city_management", "城管人员"
    GRID_WORKER = "grid_worker", "网格员"
    DEPARTMENT = "department", "部门下沉人员"


class Crs(Term):
    """The coordinate systems of Chinese maps; the first is what everything is kept in."""

    GCJ02 = "gcj02", "GCJ-02(高德、腾讯、微信)"
    WGS84 = "wgs84", "WGS-84(卫星定位)"
    BD09 = "bd09", "BD-09(百度)"


class ListLevel(Term):
    """Whose list of commitments (三级清单) an item stands on."""

    STREET = "street", "街道"
    COMMUNITY = "community", "社区"
    PARTY = "party", "党组织"


class Satisfaction(Term):
    VERY_SATISFIED = "very_satisfied", "非常满意"
    SATISFIED = "satisfied", "满意"
    BASIC = "basic", "基本满意"
    DISSATISFIED = "dissatisfied", "不满意"
    VERY_DISSATISFIED = "very_dissatisfied", "非常不满意"


class Resolved(Term):
    YES = "yes", "已解决"
    PARTLY = "partly", "部分解决"
    NO = "no", "未解决"


class RejectReason(Term):
    """Why a request is not taken on (domain 3.7); each is told to the reporter."""

    OUTSIDE_DUTY = "outside_duty", "非本级行政职责"
    IN_PROCEEDINGS = "in_proceedings", "已进入诉讼、仲裁、复议或信访程序"
    NOT_SPECIFIC = "not_specific", "内容不具体无法办理"
    ANSWERED = "answered", "同一事项已答复"
    UNLAWFUL = "unlawful", "涉密、侵犯隐私或违背公序良俗"
    ABUSE = "abuse", "恶意占用资源"
    NO_MATTER = "no_matter", "未形成议题"
    OTHER = "other", "其他"


class PauseReason(Term):
    """The only reasons for which a clock may stand still (domain 2.3)."""

    WAITING_REPORTER = "waiting_reporter", "等待诉求人补充材料"
    EXPERT_FINDING = "expert_finding", "等待鉴定或检测结果"
    SEASON = "season", "季节性不具备条件"
    ENGINEERING = "engineering", "工程挂账"


class WhistleKind(Term):
    DAILY = "daily", "日常哨"
    KEY_WORK = "key_work", "攻坚哨"
    LAW_ENFORCEMENT = "law_enforcement", "执法哨"
    EMERGENCY = "emergency", "应急哨"


class SpecialClosure(Term):
    """How a matter that was not settled to the reporter's liking may end all the same; the moves of these names."""

    AFTER_REVIEW = "close_after_review", "研判销号"
    DEFERRED = "close_deferred", "延期销号"
    TRANSFERRED = "close_transferred", "移交销号"


class FeedbackChannel(Term):
    """By what way a reporter was told how the matter stands (件件有回音)."""

    PHONE = "phone", "电话"
    WECHAT = "wechat", "微信"
    IN_PERSON = "in_person", "当面"
    SMS = "sms", "短信"
    WRITTEN = "written", "书面"
    MINI_PROGRAM = "mini_program", "小程序"
    PUBLIC = "public", "公开答复"  # nobody left a way to be reached


class CallbackMode(Term):
    """Whose word closes a matter that has passed its review."""

    PERSON = "person", "人工回访"
    REPORTER = "reporter", "诉求人确认"


class CallbackResult(Term):
    """What the last callback of a closing came to."""

    GOOD = "good", "认可"
    BAD = "bad", "未解决或不满意"
    UNREACHED = "unreached", "未联系上"


class Agency(Term):
    """Whom a redirected reporter is sent to; emergencies are never handled by ticket."""

    POLICE = "110", "110报警"
    FIRE = "119", "119消防"
    AMBULANCE = "120", "120急救"
    TRAFFIC = "122", "122交通事故"
    HOTLINE = "12345", "12345热线"
    PETITION = "petition", "信访部门"
    COURT = "court", "司法途径"
    OTHER = "other", "其他渠道"


class SupervisionLevel(Term):
    """How far a matter has climbed (domain 2.4): reminded, ordered in writing, before the next head, made public."""

    URGE = "urge", "催办"
    NOTICE = "notice", "督办单"
    ESCALATE = "escalate", "提级督办"
    BULLETIN = "bulletin", "通报"


class MeetingPart(Term):
    """The three parts of a coordination meeting's agenda (row S1-08)."""

    PROGRESS = "progress", "督进度"
    RESULTS = "results", "看成效"
    PROBLEMS = "problems", "解难题"


class InspectionMethod(Term):
    """How an inspector looked (row S2-21)."""

    RANDOM_WALK = "random_walk", "随机走访"
    SITE_CHECK = "site_check", "实地检查"
    COVERT_VISIT = "covert_visit", "明察暗访"


class ContentVerdict(Term):
    """What the check of a text or a picture says; nothing is refused for it."""

    PENDING = "pending", "待检测"
    PASS = "pass", "未见风险"
    REVIEW = "review", "疑似风险"
    RISKY = "risky", "有风险"
    UNCHECKED = "unchecked", "未能检测"


STAFF_ROLES = frozenset(Role) - {Role.RESIDENT, Role.SCRIPT, Role.SYSTEM}
# Roles that see every ticket of their streets; the others see what concerns their unit or community.
STREET_WIDE = frozenset(
    {Role.CLERK, Role.DISPATCHER, Role.SUPERVISOR, Role.CALLBACK_CLERK, Role.LEADER, Role.ADMIN, Role.AUDITOR}
)
