"""The door to the examination of published figures."""

import pytest

from shared.terms import Role


@pytest.fixture
def ask_to_check(metrics, actor_headers):
    """`await ask_to_check({…})` → the answer's body."""

    async def post(body, status=200, headers=None):
        answer = await metrics.post("/v1/checks", json=body, headers=headers or actor_headers(Role.UNIT))
        assert answer.status_code == status, answer.text
        return answer.json()

    return post


async def test_what_no_whole_number_makes(ask_to_check):
    found = await ask_to_check({"published": "97.3%", "n": 137})
    assert (found["holds"], found["reachable"], found["candidates"]) == (False, False, [])
    assert [(c["numerator"], c["denominator"], c["display"]) for c in found["nearest"]] == [
        (133, 137, "97.08%"), (134, 137, "97.81%"),
    ]  # fmt: skip
    assert found["warnings"] == [{"code": "not_reachable", "message": found["message"]}]
    assert found["message"].startswith("不可达")


async def test_what_can_be(ask_to_check):
    found = await ask_to_check({"published": "93.72%", "n": 972, "numerator": "911"})
    assert (found["holds"], found["reachable"], found["warnings"]) == (True, True, [])
    assert found["candidates"] == [
        {"numerator": 911, "denominator": 972, "display": "93.72%", "roundings": ["half_up", "truncate"],
         "roundings_text": ["四舍五入", "截断"]}
    ]  # fmt: skip
    assert found["interval"]["display"] == "93.72%"


async def test_approximate_counts_give_an_interval(ask_to_check):
    found = await ask_to_check({"n": 1000, "numerator": "480多"})
    assert found["interval"] == {"low": 0.481, "high": 0.489, "display": "48.10%–48.90%"}
    assert (found["holds"], found["reachable"]) == (True, None)
    assert [w["code"] for w in found["warnings"]] == ["published_missing"]


async def test_rounding_up_to_the_whole_is_named(ask_to_check):
    found = await ask_to_check({"published": "100.0%", "n": 254592, "numerator": 254567})
    assert (found["reachable"], found["rounded_up"]) == (False, True)


async def test_totals_that_do_not_add_up_name_the_difference_and_the_base(ask_to_check):
    found = await ask_to_check(
        {"total": 284406, "parts": {"咨询": 124599, "其他": 70933}, "shares": {"咨询": "63.72%"}}
    )
    assert [(d["code"], d["difference"]) for d in found["differences"]] == [
        ("total_differs", 88874), ("shares_of_parts", None),
    ]  # fmt: skip
    assert "相差88874" in found["warnings"][0]["message"]
    assert "195532" in found["warnings"][1]["message"]
    well = await ask_to_check({"counts": {"受理": 2877, "直办": 2276, "派单": 601}})
    assert (well["holds"], well["differences"], well["warnings"]) == (True, [], [])
    assert [c["agrees"] for c in well["comparisons"]] == [True]


@pytest.mark.parametrize(
    ("body", "field", "said"),
    [
        ({}, "published", "没有可以核对的内容"),
        ({"published": "很高", "n": 5}, "published", "看不懂"),
        ({"published": "50%", "n": 5, "numerator": 6}, "numerator", "大于分母"),
        ({"published": "50%", "n": -1}, "n", "整数"),
        ({"published": "50%", "n": 2.5}, "n", "整数"),
        ({"published": "50%", "n": True}, "n", "整数"),
        ({"published": "50%", "n": 10**13}, "n", "整数"),
        ({"published": "50%", "n": "9" * 41}, "n", "40个字符"),
        ({"published": 50, "n": 2}, "published", "应为文字"),
        ({"parts": {"甲": "许多"}, "total": 5}, "parts.甲", "看不懂"),
        ({"parts": {"甲": None}, "total": 5}, "parts.甲", "整数"),
        ({"parts": {str(i): 1 for i in range(201)}, "total": 201}, "parts", "最多 200 项"),
        ({"parts": 5}, "parts", "应为对象"),
        ({"counts": {"满意": 5}}, "counts.满意", "没有“满意”"),
        ({"published": "50%", "n": 2, "rounding": "up"}, "rounding", "可选值"),
        ({"publish": "50%"}, "publish", "没有这个字段"),
    ],
)  # fmt: skip
async def test_what_cannot_be_read_is_refused_by_field(ask_to_check, body, field, said):
    problem = await ask_to_check(body, 422)
    assert field in [e["field"] for e in problem["errors"]]
    assert said in "".join(e["message"] for e in problem["errors"])


async def test_staff_and_scripts_may_ask_residents_may_not(ask_to_check, actor_headers, api_key):
    body = {"published": "50%", "n": 2}
    await ask_to_check(body, headers=actor_headers(Role.AUDITOR))
    await ask_to_check(body, headers=await api_key("metrics:read"))
    await ask_to_check(body, 403, await api_key("tickets:write"))
    await ask_to_check(body, 403, actor_headers(Role.RESIDENT))
