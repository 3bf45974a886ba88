"""How a vote of any kind was counted and what came of it, in words that a resident can follow."""

from collections.abc import Mapping

from services.rules.outcome import Count, Method
from services.rules.quorum import AnyRule, Verdict, Weight
from services.rules.tally import Candidate
from services.rules.wording import Line, Said, explain, yuan

ANSWERS_IN_WORDS: dict[Candidate, Said] = {
    "yes": ("同意", "in favour"),
    "no": ("反对", "against"),
    "abstain": ("弃权", "abstaining"),
}
Words = Mapping[Candidate, Said]


def tell(
    rule: AnyRule,
    method: Method,
    titles: Mapping[int, str],
    counted: Count,
    verdict: Verdict[Candidate],
    *,
    present: Weight,
    roll: Weight,
    unit: str,
    recognised: bool = False,
) -> Said:
    """The result of any kind of vote in Chinese and in English. `titles`: what each option is called."""
    words: Words = {**ANSWERS_IN_WORDS, **{option: (title, title) for option, title in titles.items()}}
    lines = [
        Line(
            *words[one],
            votes=number,
            passed=None if verdict.passed is None or one in ("no", "abstain") else one in verdict.winners,
            area_cm2=counted.areas_cm2.get(one, 0),
        )
        for one, number in counted.numbers.items()
        if method.kind != "ranked" or one in counted.winners
    ]
    how = {"score": _scores, "ranked": _rounds, "budget": _budget}.get(method.kind)
    return explain(
        rule,
        lines,
        present=present,
        roll=roll,
        quorate=verdict.quorate,
        passed=verdict.passed,
        unit=unit,
        recognised=recognised,
        how=how and how(method, counted, words, present),
    )


def _scores(method: Method, counted: Count, words: Words, present: Weight) -> Said:
    points = [(*words[one], number) for one, number in counted.numbers.items()]
    zh = f"每人给每个选项 0 至 {method.max_score} 分，相加："
    zh += "；".join(f"{title} {number} 分" for title, _, number in points) + "。"
    en = f"Each gave every option 0 to {method.max_score} points; the sums: "
    en += "; ".join(f"{title}: {number}" for _, title, number in points) + "."
    if counted.winners:
        zh += f"得分最高：{_names(counted, words)[0]}。"
        en += f" Most points: {_names(counted, words)[1]}."
    return zh, en


def _rounds(method: Method, counted: Count, words: Words, present: Weight) -> Said:
    zh = ["按偏好排序逐轮计票：每轮票数最少的选项退出，其选票转给该选票上的下一个选项。"]
    en = ["Counted in rounds: each time the option with the fewest votes leaves, and its ballots go to the next named."]
    for number, past in enumerate(counted.rounds, 1):
        votes = [(*words[one], heads) for one, heads in past.votes.items()]
        zh.append(f"第 {number} 轮：" + "，".join(f"{title} {heads} 票" for title, _, heads in votes))
        en.append(f"Round {number}: " + ", ".join(f"{title} {heads}" for _, title, heads in votes))
        if past.exhausted:
            zh.append(f"，{past.exhausted} 张选票已无可转的选项")
            en[-1] += f", {past.exhausted} with no choice left"
        if past.eliminated is not None:
            gone = words[past.eliminated]
            zh.append(f"；{gone[0]}退出" + ("（票数相同，比较前几轮，仍相同则编号大者退出）" if past.tied else ""))
            en[-1] += f"; {gone[1]} leaves" + (
                " (a tie: by the rounds before, then the larger number goes)" if past.tied else ""
            )
        elif past.tied and counted.winners:
            zh.append("（票数相同，比较前几轮，仍相同则编号小者胜出）")
            en[-1] += " (a tie: by the rounds before, then the smaller number wins)"
        zh.append("。")
        en[-1] += "."
    if counted.winners:
        zh.append(f"胜出：{_names(counted, words)[0]}。")
        en.append(f"Winner: {_names(counted, words)[1]}.")
    return "".join(zh), " ".join(en)


def _budget(method: Method, counted: Count, words: Words, present: Weight) -> Said:
    amount, spent = method.budget_fen or 0, sum(one.cost_fen for one in counted.purchases)
    if method.count == "greedy":
        zh = f"预算 {yuan(amount)} 元，按票数从多到少入选，余额不够的跳过；票数相同，费用低者先。"
        en = f"{yuan(amount)} yuan, most votes first, what does not fit is skipped; at a tie the cheaper goes first."
    else:
        each = yuan(amount // present.heads) if present.heads else "0"
        zh = f"预算 {yuan(amount)} 元按平均份额法分给每位参加者约 {each} 元；项目由支持者均摊，每元负担最轻的先入选。"
        en = (
            f"By equal shares each voter holds about {each} of {yuan(amount)} yuan; supporters share a project's cost, "
            "and what costs them least for each yuan is bought first."
        )
    bought = []
    for one in counted.purchases:
        votes, most = counted.numbers[one.project], one.most_fen
        zh_most, en_most = "", ""
        if most is not None:
            fen = -(-most.numerator // most.denominator)
            zh_most, en_most = f"，每位支持者至多出 {yuan(fen)} 元", f", at most {yuan(fen)} from each supporter"
        bought.append(
            (
                f"{words[one.project][0]}（{yuan(one.cost_fen)} 元，{votes} 票{zh_most}）",
                f"{words[one.project][1]} ({yuan(one.cost_fen)} yuan, {votes} votes{en_most})",
            )
        )
    left = [(*words[one], votes) for one, votes in counted.numbers.items() if one not in counted.winners]
    zh += f"入选：{'、'.join(zh_one for zh_one, _ in bought) or '无'}。"
    en += f" Chosen: {', '.join(en_one for _, en_one in bought) or 'none'}."
    if left:
        zh += f"未入选：{'、'.join(f'{title}（{votes} 票）' for title, _, votes in left)}。"
        en += f" Not chosen: {', '.join(f'{title} ({votes} votes)' for _, title, votes in left)}."
    zh += f"共 {yuan(spent)} 元，余 {yuan(amount - spent)} 元。"
    en += f" {yuan(spent)} yuan in all, {yuan(amount - spent)} left."
    return zh, en


def _names(counted: Count, words: Words) -> Said:
    return "、".join(words[one][0] for one in counted.winners), ", ".join(words[one][1] for one in counted.winners)
