import json

from django.core.management.base import BaseCommand

from blog.stats import hot_articles


class Command(BaseCommand):
    help = "Print the hot articles as JSON."

    def handle(self, *args, **options):
        self.stdout.write(json.dumps(hot_articles(), ensure_ascii=False))
