import random
from datetime import datetime, timedelta, timezone

from django.core.management.base import BaseCommand

from blog.models import Article, Visit

BATCH = 10_000
YEAR = timedelta(days=365)
SECTIONS = ["Go", "数据库", "Operations", "Reading & writing"]


class Command(BaseCommand):
    help = "Make up 200 articles and a year of visits."

    def add_arguments(self, parser):
        parser.add_argument("visits", type=int)

    def handle(self, *args, **options):
        rand = random.Random(1)
        Article.objects.bulk_create(
            Article(title=f"Article {n} on <{SECTIONS[n % 4]}>", section=SECTIONS[n % 4]) for n in range(200)
        )
        articles = list(Article.objects.order_by("id").values_list("id", flat=True))
        first = datetime.now(timezone.utc).replace(microsecond=0) - YEAR
        left, done = options["visits"], 0
        while left:
            n = min(left, BATCH)
            # Few articles have most visits; a visit is later than the one before.
            Visit.objects.bulk_create(
                Visit(
                    article_id=articles[min(int(rand.expovariate(1 / 30)), 199)],
                    at=first + YEAR * ((done + i) / options["visits"]),
                )
                for i in range(n)
            )
            left, done = left - n, done + n
        self.stdout.write(f"{done} visits")
