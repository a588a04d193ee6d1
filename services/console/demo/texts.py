"""What residents write: colloquial sentences for each category, to be combined with a place. All invented."""

import random

TEXTS: dict[str, tuple[str, ...]] = {
    "0101": ("{place}的垃圾好几天没人清了,味道很大", "{place}旁边堆了一大堆装修垃圾,麻烦派人清运"),
    "0102": ("{place}垃圾分类桶站太少,老人扔垃圾要走很远", "{place}的可回收垃圾和厨余混在一起没人管"),
    "0103": ("{place}门口天天有人占道卖菜,走路都困难", "{place}烧烤摊占了人行道,到半夜才走"),
    "0104": ("{place}楼道里贴满了小广告", "{place}电线杆上全是开锁的小广告,刚清完又贴"),
    "0105": ("{place}一楼住户私搭乱建,把公共绿地围起来了", "{place}顶楼有人违法加盖房子"),
    "0106": ("{place}楼下饭店油烟直排,不敢开窗", "{place}附近烧烤店油烟味太呛人"),
    "0107": ("{place}的树枝长到窗户上了,请修剪一下", "{place}绿化带里的树死了好几棵,一直没补种"),
    "0108": ("{place}附近公厕没人打扫,臭味很大", "{place}公厕水龙头坏了,一直流水"),
    "0201": ("{place}的路灯不亮了,晚上老人出门看不清路", "{place}门口一排路灯坏了有一个星期"),
    "0202": ("{place}门前的路坑坑洼洼,下雨全是水坑", "{place}人行道地砖松动,有老人绊倒过"),
    "0203": ("{place}的井盖没了,太危险了,赶紧来人看看", "{place}路中间井盖破损,车一过就响"),
    "0204": ("{place}一下雨就积水,都没过脚面了", "{place}地势低,雨水倒灌进楼道"),
    "0205": ("{place}小广场的健身器械坏了,椅子也断了", "{place}凉亭年久失修,希望修一修"),
    "0206": ("{place}单元门没有坡道,轮椅进出不方便", "{place}盲道被花坛挡住了一截"),
    "0301": ("{place}下水道堵了,污水往外冒", "{place}一楼厨房返水,下水管道应该是堵了"),
    "0302": ("{place}的车乱停乱放,救护车都进不来", "{place}停车位被人用地锁占了"),
    "0303": ("{place}的电梯又停了,老人上不了楼", "{place}电梯运行时有异响,晃得厉害"),
    "0304": ("{place}物业打电话没人接,报修一周没人来", "{place}物业不打扫楼道,物业费倒是照收"),
    "0305": ("{place}顶楼漏水,墙皮都掉了", "{place}楼上漏水到我家,物业协调不了"),
    "0306": ("{place}想用维修资金修屋顶,不知道业委会怎么走程序", "{place}一直没有成立业委会,请街道指导"),
    "0401": ("{place}有人从楼上拉电线下来给电动车充电", "{place}楼道里私拉电线,很不安全"),
    "0402": ("{place}的消防通道被车堵死了", "{place}消防通道上停满了车,画了线也没用"),
    "0403": ("{place}楼道灭火器都过期了", "{place}消防栓里没有水带,玻璃也碎了"),
    "0404": ("{place}楼道里堆满了纸箱杂物", "{place}邻居把旧柜子放在楼道里,走都走不过去"),
    "0405": ("{place}没有充电桩,电动车只能推上楼", "{place}希望增加几个电动车充电车棚"),
    "0406": ("{place}有人从楼上往下扔垃圾,差点砸到人", "{place}高空抛物好几次了,希望装个摄像头"),
    "0407": ("{place}楼道里有煤气味,担心燃气泄漏", "{place}家里闻到天然气味,请马上派人来"),
    "0501": ("{place}停水一上午了,没有通知", "{place}高层水压太小,洗澡都困难"),
    "0502": ("{place}整栋楼停电了,什么时候能来电", "{place}经常跳闸停电,冰箱里的东西都坏了"),
    "0503": ("{place}暖气不热,屋里才十五度", "{place}供暖到现在还是凉的,家里有老人孩子"),
    "0504": ("{place}新房开通燃气预约不上", "{place}燃气表坏了,充不进去气"),
    "0505": ("{place}架空的线缆垂下来快碰到头了", "{place}楼外通信线乱成一团,希望规整一下"),
    "0601": ("{place}旁边工地半夜还在施工,吵得没法睡", "{place}附近夜间施工噪音太大,孩子明天还要上学"),
    "0602": ("{place}楼下广场舞音响太大,跳到晚上十点", "{place}邻居天天半夜放音乐"),
    "0603": ("{place}旁边工地扬尘很大,窗台一层土", "{place}拉土车不盖苫布,尘土飞扬"),
    "0701": ("{place}想增加一个公交站,现在要走二十分钟", "{place}这边的公交车间隔太长,早高峰等半小时"),
    "0702": ("{place}路口的红绿灯坏了", "{place}路口没有斑马线,学生过马路太危险"),
    "0703": ("{place}共享单车堆在路口没人摆", "{place}门口的共享单车倒了一片"),
    "0801": ("{place}有户人家生活困难,请问低保怎么申请", "想咨询一下{place}这边临时救助怎么办理"),
    "0802": ("{place}想要一个老年食堂,独居老人做饭不方便", "请问{place}附近有没有养老助餐点"),
    "0803": ("{place}残疾人补贴这个月还没到账", "{place}家里有残疾人,想申请无障碍改造"),
    "0804": ("{place}医保断缴了,请问怎么补", "{place}老人社保认证手机上总是失败,能不能上门"),
    "0805": ("{place}下岗一年了,想找个培训的地方", "请问{place}附近有没有招聘会"),
    "0806": ("{place}想申请公租房,要准备什么材料", "请问{place}租房补贴什么时候发"),
    "0901": ("{place}的孩子明年上学,划到哪个学校", "{place}转学手续怎么办理"),
    "0902": ("{place}社区医院周末不开门,打针不方便", "{place}卫生服务站开不了慢病药"),
    "0903": ("{place}附近有人发烧扎堆,希望做好消杀", "{place}蚊蝇很多,请安排消杀"),
    "1001": ("{place}和楼上邻居因为漏水吵起来了,请来调解", "{place}邻居把鞋柜放门口,说了多次不听"),
    "1002": ("{place}干装修被拖欠工资两个月", "{place}饭店欠我工资不给,找谁管"),
    "1101": ("{place}开小店,营业执照怎么办", "想问问{place}食品经营许可证要什么材料"),
    "1102": ("{place}的企业招工难,希望街道帮忙对接", "{place}商户希望夜间路灯延长时间"),
    "1201": ("{place}最近老有人偷电动车电瓶", "{place}晚上有可疑的人挨家拧门"),
    "1202": ("{place}有人遛狗不牵绳,吓到孩子", "{place}流浪狗成群,晚上不敢走"),
    "1301": ("请问{place}居住证在哪儿办", "想问一下{place}老年卡怎么申请"),
    "1302": ("建议在{place}装几把长椅,老人可以歇歇脚", "建议{place}多搞一些亲子活动"),
    "1303": ("表扬{place}的网格员,帮老人修好了水管,非常感谢", "感谢社区给{place}装了路灯"),
    "1399": ("{place}有件事想请社区帮忙看看", "{place}捡到一串钥匙,交给谁"),
}  # fmt: skip
# How often each group comes up, by the first two digits of its codes; and months in which some come more often.
WEIGHTS = {
    "01": 14, "02": 11, "03": 26, "04": 11, "05": 8, "06": 7, "07": 5, "08": 6, "09": 3, "10": 4, "11": 2, "12": 3, "13": 5,
}  # fmt: skip
SEASONS = {"0503": (11, 12, 1, 2, 3), "0204": (6, 7, 8, 9), "0107": (4, 5, 6, 7, 8), "0106": (5, 6, 7, 8, 9)}
FACTOR_IN, FACTOR_OUT = 4.0, 0.15
CODES = tuple(TEXTS)


def category(chance: random.Random, month: int) -> str:
    """Return a category as likely as in the field, in this month."""
    sizes = {group: sum(code.startswith(group) for code in CODES) for group in WEIGHTS}
    weights = [WEIGHTS[code[:2]] / sizes[code[:2]] * _season(code, month) for code in CODES]
    return chance.choices(CODES, weights)[0]


def _season(code: str, month: int) -> float:
    if code not in SEASONS:
        return 1.0
    return FACTOR_IN if month in SEASONS[code] else FACTOR_OUT


def content(chance: random.Random, code: str, community: str) -> str:
    """Return a resident's sentence about this category in this community."""
    building = f"{chance.randint(1, 36)}号楼"
    entrance = chance.choice(("", "", f"{chance.randint(1, 5)}单元", "东侧", "门口"))
    return chance.choice(TEXTS[code]).format(place=f"{community.removesuffix('社区')}{building}{entrance}")
