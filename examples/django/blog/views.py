import json

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render

from . import stats


def slow(request):
    """Computed while the reader waits."""
    return render(request, "stats.html", {"visits": stats.visits_by_month(), "hot": stats.hot_articles()})


def instant(request):
    """The same page from what was computed beforehand."""
    return render(request, "stats.html", {"visits": published("visits"), "hot": published("top")})


def published(report):
    return json.loads((settings.PUBLISHED / "blog" / f"{report}.json").read_text())


def chart(request):
    return HttpResponse((settings.PUBLISHED / "blog" / "visits.svg").read_bytes(), content_type="image/svg+xml")
