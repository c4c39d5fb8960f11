"""The two numbers that readers wait for."""
from datetime import timedelta

from django.db.models import Count, F, Max
from django.db.models.functions import TruncMonth

from .models import Visit


def visits_by_month():
    """Visits by month and section, oldest first."""
    rows = (
        Visit.objects.annotate(month=TruncMonth("at"))
        .values("month", section=F("article__section"))
        .annotate(visits=Count("id"))
        .order_by("month", "section")
    )
    return [{**row, "month": row["month"].strftime("%Y-%m")} for row in rows]


def hot_articles():
    """The ten articles with the most visits in the last thirty days."""
    newest = Visit.objects.aggregate(at=Max("at"))["at"]
    if newest is None:
        return []
    rows = (
        Visit.objects.filter(at__gt=newest - timedelta(days=30))
        .values(title=F("article__title"))
        .annotate(visits=Count("id"))
        .order_by("-visits", "title")[:10]
    )
    return list(rows)
