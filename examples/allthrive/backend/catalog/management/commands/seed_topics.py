from catalog.management.seeding import SeedCommand
from catalog.models import Topic


class Command(SeedCommand):
    help = "Create or refresh the topics."
    model = Topic
