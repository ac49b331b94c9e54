"""The CloudFormation custom resource that creates the application's database users and gives them the schema.

Create and Update do the same, so that either repairs what is missing. Delete does nothing: the users are deleted with
the database, and until then its tables need their owner. The protocol of custom resources:
docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref.html.
"""

from __future__ import annotations

import json
import logging
import os
from typing import Any

from database.postgres import Connection, identifier, literal
from database.users import Database, secret, set_password
from shared.http import request

_REASON_LIMIT = 2000  # the whole response may have 4096 bytes
_FIRST_OID_OF_USERS = 16384  # lower ones are PostgreSQL's own: FirstNormalObjectId in access/transam.h

# Selects the objects of the master user that the owner role must get. Left out: members of an extension, and a
# column's own sequence and the like, whose owner follows that of the table.
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
    """Answers a request of CloudFormation; an operator may also call the function without one, to repair the users.

    Raises:
        Unanswered: if the response does not arrive; Lambda then calls again.
    """
    if "ResponseURL" not in event:
        ensure()
        return
    response = {"Status": "SUCCESS", "Reason": "", "PhysicalResourceId": os.environ["OWNER"]}
    try:
        if event["RequestType"] != "Delete":
            ensure()
    except Exception as error:  # without a response CloudFormation waits an hour
        response |= {"Status": "FAILED", "Reason": f"{type(error).__name__}: {error}"[:_REASON_LIMIT]}
        logging.getLogger().exception("the database users could not be created or repaired")
    response |= {key: event[key] for key in ("StackId", "RequestId", "LogicalResourceId")}
    # CloudFormation signs the URL for a request without a content type.
    request("PUT", event["ResponseURL"], headers={"Content-Type": ""}, body=json.dumps(response).encode())


def ensure() -> None:
    """Creates or repairs the users, and logs in as the current one."""
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
            connection.query(f"CREATE ROLE {identifier(user)} LOGIN")  # nobody can log in until it has a password
    users = ", ".join(identifier(user) for user in database.users)
    # The master user is a member too: on RDS it is no superuser, and only members can give objects to the role.
    connection.query(f"GRANT {owner} TO {users}, CURRENT_USER")
    for user in database.users:
        connection.query(f"ALTER ROLE {identifier(user)} SET role TO {literal(database.owner)}")
    connection.query(f"GRANT CONNECT, CREATE, TEMPORARY ON DATABASE {identifier(database.name)} TO {owner}")


def _hand_over(connection: Connection, database: Database) -> None:
    """Gives the owner the schema `public`, and the objects from when the application logged in as the master user."""
    owner = identifier(database.owner)
    # Before PostgreSQL 15 the schema belongs to RDS, and everyone may create objects in it.
    statement = "SELECT pg_has_role(current_user, nspowner, 'USAGE') FROM pg_namespace WHERE nspname = 'public'"
    if connection.query(statement) == [("t",)]:
        connection.query(f"ALTER SCHEMA public OWNER TO {owner}")
    connection.query("SET LOCAL search_path TO ''")  # so that the query returns names with their schema
    for kind, name in connection.query(_FOREIGN.format(first=_FIRST_OID_OF_USERS)):
        connection.query(f"ALTER {kind} {name} OWNER TO {owner}")
