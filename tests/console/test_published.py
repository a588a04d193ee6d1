"""`banjie check`: figures on paper, without a database, a queue or a secret."""

import subprocess
import sys

import pytest

from services.console.published import entries
from tests.fixtures.servers import ROOT


@pytest.fixture
def check(tmp_path):
    """`check(*words)` runs the command where nothing else of Banjie is."""

    def run(*words):
        return subprocess.run(
            [sys.executable, "-m", "services.console.app", "check", *words], cwd=ROOT,
            env={"PATH": "/usr/bin:/bin", "BANJIE_DATA_DIR": str(tmp_path)}, capture_output=True, text=True, check=False,
        )  # fmt: skip

    return run


@pytest.mark.parametrize(
    ("words", "code", "printed"),
    [
        (["97.3%", "--n", "137"], 1,
         "✗ 不可达:分母为137时,没有整数分子能得出97.3%;最接近的是133/137(97.08%)和134/137(97.81%)\n"),
        (["97.3%", "--n", "137", "--k", "133"], 1, "✗ 不符:133/137(97.08%),不是97.3%\n"),
        (["93.72%", "--n", "972", "--k", "911"], 0, "✓ 相符:911/972(93.72%)\n"),
        (["97.3%"], 0, "! 没有给出分母,97.3%无法核对\n"),
        (["--parts", "渠道=41424,其他=5229", "--total", "46653"], 0, "✓ 分项合计46653,公布合计46653,相符\n"),
        (["--parts", "渠道=41,424\uff0c其他\uff1d5229", "--total", "46,650"], 1, "✗ 分项合计46653,公布合计46650,相差3\n"),
        (["--parts", "咨询=124599,其他=70933", "--shares", "咨询=63.72%", "--total", "284406"], 1,
         "✗ 分项合计195532,公布合计284406,相差88874\n✗ 占比以分项合计195532为分母,不是公布合计284406\n"),
        (["--counts", "受理=2877,直办=2276,派单=601"], 0, "✓ 受理2877,直办2276 + 派单601 = 2877,相符\n"),
        (["99.33%", "--n", "601", "--k", "597", "--rounding", "truncate"], 0, "✓ 相符:597/601(99.33%)\n"),
    ],
)  # fmt: skip
def test_what_it_prints_and_how_it_ends(check, words, code, printed):
    done = check(*words)
    assert (done.returncode, done.stdout, done.stderr) == (code, printed, "")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "没有可以核对的内容"),
        (["很高", "--n", "5"], "公布值:看不懂的百分数"),
        (["50%", "--n", "很多"], "--n:看不懂的数字"),
        (["50%", "--n", "5", "--k", "6"], "--k:分子6大于分母5"),
        (["--parts", "甲=5,乙=x", "--total", "5"], "--parts 乙:看不懂的数字"),
        (["--parts", "甲", "--total", "5"], "应写作 名称=数字"),
        (["--parts", "甲=1,甲=2", "--total", "5"], "“甲”写了两次"),
        (["--counts", "满意=5"], "没有“满意”这项计数"),
    ],
)
def test_what_cannot_be_read_is_told_in_one_line(check, words, told):
    done = check(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr
    assert done.stderr.count("\n") == 1


def test_entries_are_parted_where_another_name_follows():
    assert entries("电话=50,154;微信=3759、其他 = 约7万") == {
        "电话": "50,154",
        "微信": "3759",
        "其他": "约7万",
    }
    assert entries(None) == entries("") == {}
