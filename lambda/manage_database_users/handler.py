"""A custom resource of CloudFormation: the application's database users exist and own the schema.

Create and Update do the same, so that either repairs what is missing. Delete does nothing: the users go with the
database, and until then the objects need their owner. The protocol:
docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref.html.
"""

from __future__ import annotations

import json
import logging
import os
from typing import Any

from database.postgres import Connection, identifier, literal
from database.users import Database, secret, set_password
from shared.http import ask

_REASON_LIMIT = 2000  # the whole answer may have 4096 bytes
_FIRST_OID_OF_USERS = 16384  # lower ones are PostgreSQL's own: FirstNormalObjectId in access/transam.h

# What the master user owns in this database and the owner should: no member of an extension, no sequence of a column,
# whose owner is its table's.
_FOREIGN = """
WITH mine AS (SELECT oid FROM pg_roles WHERE rolname = current_user),
     bound AS (SELECT classid, objid FROM pg_depend WHERE deptype = 'e'
               UNION SELECT classid, objid FROM pg_depend
               WHERE classid = 'pg_class'::regclass AND refclassid = 'pg_class'::regclass AND deptype IN ('a', 'i')),
     owned AS (
  SELECT 'SCHEMA' AS kind, quote_ident(nspname) AS name, 'pg_namespace'::regclass AS classid, n.oid
    FROM pg_namespace n JOIN mine ON nspowner = mine.oid
  UNION ALL
  SELECT CASE relkind WHEN 'c' THEN 'TYPE' ELSE 'TABLE' END, c.oid::regclass::text, 'pg_class'::regclass, c.oid
    FROM pg_class c JOIN mine ON relowner = mine.oid
    WHERE relkind IN ('r', 'p', 'v', 'm', 'f', 'S', 'c') AND relpersistence <> 't'
  UNION ALL
  SELECT 'TYPE', t.oid::regtype::text, 'pg_type'::regclass, t.oid
    FROM pg_type t JOIN mine ON typowner = mine.oid WHERE typtype IN ('e', 'd', 'r')
  UNION ALL
  SELECT 'ROUTINE', p.oid::regprocedure::text, 'pg_proc'::regclass, p.oid
    FROM pg_proc p JOIN mine ON proowner = mine.oid
)
SELECT kind, name FROM owned
WHERE oid >= {first} AND NOT EXISTS (SELECT FROM bound b WHERE b.classid = owned.classid AND b.objid = owned.oid)
"""


def main(event: dict[str, Any], _context: object) -> None:
    """Answer one request of CloudFormation, or have the users repaired by an operator's call without one.

    Raises:
        Unanswered: if the answer does not arrive; Lambda then calls again.
    """
    if "ResponseURL" not in event:
        ensure()
        return
    answer = {"Status": "SUCCESS", "Reason": "", "PhysicalResourceId": os.environ["OWNER"]}
    try:
        if event["RequestType"] != "Delete":
            ensure()
    except Exception as error:  # without an answer CloudFormation waits an hour
        answer |= {"Status": "FAILED", "Reason": f"{type(error).__name__}: {error}"[:_REASON_LIMIT]}
        logging.getLogger().exception("the database users are not as they should be")
    answer |= {key: event[key] for key in ("StackId", "RequestId", "LogicalResourceId")}
    # The address is signed for no Content-Type.
    ask("PUT", event["ResponseURL"], headers={"Content-Type": ""}, body=json.dumps(answer).encode())


def ensure() -> None:
    """Create or repair the users, and log in as the current one."""
    database = Database.from_environment()
    credentials = secret(os.environ["APPLICATION_SECRET_ARN"])
    with database.administration() as connection:
        _make_roles(connection, database)
        _hand_over(connection, database)
        set_password(connection, credentials["username"], credentials["password"])
    database.check(credentials)


def _make_roles(connection: Connection, database: Database) -> None:
    owner = identifier(database.owner)
    known = {name for (name,) in connection.query("SELECT rolname FROM pg_roles")}
    if database.owner not in known:
        connection.query(f"CREATE ROLE {owner} NOLOGIN")
    for user in database.users:
        if user not in known:
            connection.query(f"CREATE ROLE {identifier(user)} LOGIN")  # without a password nobody logs in
    users = ", ".join(identifier(user) for user in database.users)
    # The master user too, or it could hand nothing over: on RDS it is no superuser.
    connection.query(f"GRANT {owner} TO {users}, CURRENT_USER")
    for user in database.users:
        connection.query(f"ALTER ROLE {identifier(user)} SET role TO {literal(database.owner)}")
    connection.query(f"GRANT CONNECT, CREATE, TEMPORARY ON DATABASE {identifier(database.name)} TO {owner}")


def _hand_over(connection: Connection, database: Database) -> None:
    """Give the owner the schema `public`, and what the master user made when the application still logged in as it."""
    owner = identifier(database.owner)
    # Not where it belongs to RDS, as before PostgreSQL 15: everyone may create in it there.
    statement = "SELECT pg_has_role(current_user, nspowner, 'USAGE') FROM pg_namespace WHERE nspname = 'public'"
    if connection.query(statement) == [("t",)]:
        connection.query(f"ALTER SCHEMA public OWNER TO {owner}")
    connection.query("SET LOCAL search_path TO ''")  # names are then written with their schemas
    for kind, name in connection.query(_FOREIGN.format(first=_FIRST_OID_OF_USERS)):
        connection.query(f"ALTER {kind} {name} OWNER TO {owner}")
