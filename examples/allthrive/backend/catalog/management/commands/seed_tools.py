from catalog.management.seeding import SeedCommand
from catalog.models import Tool


class Command(SeedCommand):
    help = "Create or refresh the tools."
    model = Tool
