"""A filter before the Docker daemon: each client has a socket of its own, with restricted calls.

Clients are privileged builds (`codebuild.proxy`) and EC2 hosts (`ec2.docker`). `gate` opens their sockets, `server`
forwards requests. `rules`, `image_rules` and `object_rules` define the allowed calls, `container_rules` the allowed
options of a container. `buildkit` filters the gRPC calls of `docker build`. `images` records which client gave which
image name. `registry` checks access to the local registry with IAM. ADR 9 lists the threats that this covers.
"""
