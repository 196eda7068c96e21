"""Run by path inside Label Studio's own Django, never imported: `migrate`, or `accounts` with JSON on stdin."""

import importlib
import json
import os
import sys
from pathlib import Path
from typing import Any


def enter() -> None:
    """Wake Django with Label Studio's settings; the environment says which data folder."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "core.settings.label_studio"
    sys.path.insert(0, str(Path(str(importlib.import_module("label_studio").__file__)).parent))
    importlib.import_module("django").setup()


def migrate() -> None:
    """Make the tables; print how many steps there are, then one line for each."""
    executors = importlib.import_module("django.db.migrations.executor")
    database = importlib.import_module("django.db").connections["default"]
    executor = executors.MigrationExecutor(database)
    print(len(executor.migration_plan(executor.loader.graph.leaf_nodes())), flush=True)
    importlib.import_module("django.core.management").call_command("migrate", "--no-color", verbosity=1)


def accounts(wanted: list[dict[str, str]]) -> dict[str, dict[str, Any]]:
    """Make each account or give it its new password; return ids and tokens. The first of all is the owner."""
    users = importlib.import_module("users.models").User
    organizations = importlib.import_module("organizations.models").Organization
    tokens = importlib.import_module("jwt_auth.models").LSAPIToken
    made = {}
    for one in wanted:
        user = users.objects.filter(email__iexact=one["email"]).first() or users(email=one["email"])
        user.username = one["email"].split("@")[0]
        user.first_name, _, user.last_name = one["name"].partition(" ")
        user.set_password(one["password"])
        company = organizations.objects.order_by("id").first()
        if company is None:
            user.is_staff = user.is_superuser = True
            user.save()
            company = organizations.create_organization(created_by=user, title="curator")
        else:
            user.save()
            company.add_user(user)
        user.active_organization = company
        user.save()
        made[one["email"]] = {"id": user.id, "token": tokens.for_user(user).get_full_jwt()}
    return made


if __name__ == "__main__":
    enter()
    if sys.argv[1] == "migrate":
        migrate()
    else:
        print(json.dumps(accounts(json.load(sys.stdin))))
