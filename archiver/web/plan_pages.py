"""Plans: what is drawn every week, what is due, and who holds what."""

from datetime import date, timedelta

from starlette.responses import Response

from archiver.desk.journal import Act
from archiver.desk.review.plans import MOST_A_WEEK, MOST_DAYS, Stratum, in_sight
from archiver.web.asked import asked_view
from archiver.web.calibration_pages import people_who_judge
from archiver.web.chips import words_of
from archiver.web.context import Visit
from archiver.web.forms import number_within, token
from archiver.web.planning import draw_due, view_of
from archiver.web.view_address import changed, query, without


async def show(visit: Visit) -> Response:
    """All plans with their weeks, everyone's workload, and the form for a new one."""
    await draw_due(visit.desk)
    view, _ = await asked_view(visit)
    view = changed(without(view, ["since", "until", "days"]))
    plans, weeks = await visit.desk.plans.all(), await visit.desk.plans.weeks()
    now = visit.desk.clock()
    return visit.page(
        "plans.html",
        section="queue",
        plans=plans,
        weeks={one: in_sight(own, now) for one, own in weeks.items()},
        loads=await visit.desk.plans.loads(visit.person),
        now=now,
        people=await people_who_judge(visit),
        strata=list(Stratum),
        address=query(view),
        selection=await words_of(visit, view),
        selections={one.plan_id: await words_of(visit, view_of(one)) for one in plans},
    )


async def make(visit: Visit) -> Response:
    """A new plan; it begins with the last week that is over."""
    form = visit.form
    view, _ = await asked_view(visit)
    view = changed(without(view, ["since", "until", "days"]))
    today = visit.wording.day_of(visit.desk.clock()) or date.min
    known = set(await people_who_judge(visit))
    made = await visit.desk.plans.make(
        visit.person,
        form.get("title", ""),
        query(view),
        per_agent=round(number_within(form, "per-agent", "2", most=MOST_A_WEEK)),
        strata=[one for one in Stratum if one in form.getlist("strata")],
        people=sorted({name for name in form.getlist("people") if name in known}),
        due_days=round(number_within(form, "due-days", "7", most=MOST_DAYS)),
        first_week=today - timedelta(days=today.weekday() + 7),
        token=token(form),
    )
    detail = f"plan {made}{query(view)}"
    await visit.desk.journal.record(visit.person.name, visit.address, Act.DRAW, detail=detail)
    return visit.go("/plans")


async def end(visit: Visit) -> Response:
    """Draw nothing any more; what was drawn stays."""
    plan_id = visit.id("plan_id")
    await visit.desk.plans.end(visit.person, plan_id)
    detail = f"plan {plan_id}"
    await visit.desk.journal.record(visit.person.name, visit.address, Act.CLOSE, detail=detail)
    return visit.go("/plans")
